// Talks to the browser's authenticators: on the page of the passkey, beside the fields of other factors, and where one is
// registered.
(() => {
  "use strict";
  const Credential = window.PublicKeyCredential;
  const form = document.querySelector("form[data-passkey]");
  const wish = document.getElementById("wish");

  if (wish && Credential && Credential.isUserVerifyingPlatformAuthenticatorAvailable) {
    Credential.isUserVerifyingPlatformAuthenticatorAvailable().then((available) => { wish.hidden = !available; }, () => {});
  }
  if (!form) return;

  const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const encode = (buffer) => btoa(Array.from(new Uint8Array(buffer), (b) => String.fromCharCode(b)).join(""))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

  // What follows does by hand what WebAuthn Level 3 does, for browsers that are older.
  const named = (list) => (list || []).map((c) => Object.assign({}, c, { id: decode(c.id) }));
  const parse = (kind, json) => {
    const native = kind === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
    if (Credential[native]) return Credential[native](json);
    const options = Object.assign({}, json, { challenge: decode(json.challenge) });
    if (json.allowCredentials) options.allowCredentials = named(json.allowCredentials);
    if (json.excludeCredentials) options.excludeCredentials = named(json.excludeCredentials);
    if (json.user) options.user = Object.assign({}, json.user, { id: decode(json.user.id) });
    return options;
  };
  const write = (credential) => {
    try {
      return credential.toJSON();
    } catch (error) {
      // Some password managers put an object in the credential's place that has no toJSON, or one that throws.
    }
    const response = {};
    for (const name of ["clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject"]) {
      if (credential.response[name]) response[name] = encode(credential.response[name]);
    }
    if (credential.response.getTransports) response.transports = credential.response.getTransports();
    return {
      id: credential.id, rawId: encode(credential.rawId), type: credential.type, response,
      authenticatorAttachment: credential.authenticatorAttachment || undefined,
      clientExtensionResults: credential.getClientExtensionResults(),
    };
  };

  const ask = async (kind, extra) => {
    const answer = await fetch(form.dataset.options, {
      method: "POST", body: new URLSearchParams({ csrf: form.elements.csrf.value }), signal: extra.signal,
    });
    if (!answer.ok) throw Object.assign(new Error("no options"), { status: answer.status });
    const json = await answer.json();
    const options = Object.assign({ publicKey: parse(kind, json.publicKey || json) }, extra);
    const credential = await navigator.credentials[kind === "create" ? "create" : "get"](options);
    form.elements.response.value = JSON.stringify(write(credential));
    form.requestSubmit ? form.requestSubmit() : form.submit();
  };

  if (form.dataset.passkey === "conditional") {
    // The browser offers passkeys in the list of the identifier's field, until the person goes another way.
    if (!Credential || !Credential.isConditionalMediationAvailable || !document.querySelector("[autocomplete~=webauthn]")) return;
    let controller;
    const offer = async () => {
      controller = new AbortController();
      try {
        if (await Credential.isConditionalMediationAvailable()) {
          await ask("get", { mediation: "conditional", signal: controller.signal });
        }
      } catch (error) {
        // Nobody asked for it, so nobody is told.
      }
    };
    const stop = () => controller.abort();
    addEventListener("submit", (event) => { if (event.target !== form && !event.defaultPrevented) stop(); }); // and not if the page stays
    addEventListener("pagehide", stop);
    addEventListener("pageshow", (event) => { if (event.persisted) offer(); });
    offer();
    return;
  }

  const button = form.querySelector("button");
  const status = document.getElementById("passkey-status");
  if (!Credential || !navigator.credentials) {
    status.textContent = form.dataset.unsupported;
    return;
  }
  button.hidden = false;
  let asking = false;
  button.addEventListener("click", async () => {
    if (asking || form.getAttribute("aria-busy") === "true") return; // or sent already
    asking = true;
    status.textContent = form.dataset.waiting;
    try {
      await ask(form.dataset.passkey, {});
    } catch (error) {
      if (error.status === 409 || error.status === 410) location.reload(); // the login is elsewhere by now
      const left = error.name === "NotAllowedError" || error.name === "AbortError";
      status.textContent = left ? form.dataset.cancelled : form.dataset.failed;
    }
    asking = false;
  });
})();
