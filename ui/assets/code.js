// Enhancement only: the page that asks for a one-time code works without this file. It takes a code from a message that is
// bound to this site, where the browser can, and sends a code that came all at once, unless it is stopped.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const input = byId("otp_verify_input");
  const status = byId("code-status");
  const stop = byId("code-stop");
  if (!input || !status) return;
  const wait = 4000;
  let timer = 0;

  const disarm = () => {
    clearTimeout(timer);
    stop.hidden = true;
    status.textContent = "";
  };
  const arm = () => {
    disarm();
    if ((input.value.match(/\p{Nd}/gu) || []).length !== Number(input.dataset.length)) return;
    status.textContent = status.dataset.complete;
    stop.hidden = false;
    timer = setTimeout(() => {
      disarm();
      byId("verify_otp").click();
    }, wait);
  };
  // Browsers that fill a field in say no type of input, or that they replaced its text, and keyboards of telephones insert
  // several characters at once. Typing is never sent by itself.
  const atOnce = ["", "insertFromPaste", "insertReplacementText"];
  input.addEventListener("input", (event) => {
    const type = window.InputEvent && event instanceof InputEvent ? event.inputType : ""; // undefined in Firefox before 87
    if (event.isTrusted && (atOnce.includes(type) || type === "insertText" && event.data && event.data.length > 1)) arm();
    else disarm();
  });
  stop.addEventListener("click", () => {
    disarm();
    input.focus();
  });
  for (const form of document.querySelectorAll("form")) form.addEventListener("submit", disarm);
  addEventListener("click", (event) => { if (event.target.closest("a[href]:not([target])")) disarm(); }); // the next page may take a while
  addEventListener("pagehide", disarm);

  if ("OTPCredential" in window) {
    const abort = new AbortController();
    input.form.addEventListener("submit", () => abort.abort());
    navigator.credentials.get({ otp: { transport: ["sms"] }, signal: abort.signal }).then((credential) => {
      if (!credential || input.value) return;
      input.value = credential.code;
      input.dispatchEvent(new Event("input")); // what was missing is there
      arm();
    }).catch(() => {}); // there is none, or the person would rather type
  }
})();
