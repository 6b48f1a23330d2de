/* A button with data-push-key asks the browser to be told by push, then posts its form with what the browser gave. */
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-push-key]");
    if (!button) return;
    event.preventDefault();
    const form = button.form;
    const refused = () => { form.querySelector("[data-push-refused]").hidden = false; };
    if (!("serviceWorker" in navigator) || !("PushManager" in window)) { refused(); return; }
    try {
      const worker = await navigator.serviceWorker.register(button.dataset.pushWorker);
      if (await Notification.requestPermission() !== "granted") { refused(); return; }
      const found = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(button.dataset.pushKey) });
      const said = found.toJSON();
      form.elements.endpoint.value = said.endpoint;
      form.elements.p256dh.value = said.keys.p256dh;
      form.elements.auth.value = said.keys.auth;
      form.submit();
    } catch (problem) { refused(); }
  });
})();
