"""The care desk: who calls about which request, by which script, with what outcome."""
