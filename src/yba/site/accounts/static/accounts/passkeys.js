// Passkeys on our pages: allauth's script does the ceremony, here it is told by markup which form is which.
// <form data-passkey="add|authenticate|login"> with a hidden field `credential` and a button `data-passkey-go`.
(function () {
  "use strict";

  function identified(element, name) {
    if (!element.id) element.id = "passkey-" + name;
    return element.id;
  }

  function start(form) {
    const forms = window.allauth && window.allauth.webauthn && window.allauth.webauthn.forms;
    const button = form.querySelector("[data-passkey-go]");
    if (!forms || !window.PublicKeyCredential) {
      form.hidden = true;
      document.querySelectorAll("[data-no-passkey]").forEach((note) => { note.hidden = false; });
      return;
    }
    const kind = form.dataset.passkey;
    const ids = { credential: identified(form.elements.credential, "credential-" + kind), data: "js_data" };
    ids[kind] = identified(button, "go-" + kind);
    const alone = form.elements.passwordless;
    if (alone) ids.passwordless = identified(alone, "alone");
    forms[kind + "Form"]({ ids });
  }

  function failed(event) {
    event.preventDefault();
    const place = document.querySelector("[data-passkey-failed]");
    if (place) { place.hidden = false; place.focus(); }
  }

  document.addEventListener("allauth.error", failed);
  document.querySelectorAll("form[data-passkey]").forEach(start);
})();
