"""What carries a video visit, behind `yba.care.remote.engines`: browser to browser, or a Jitsi server."""
