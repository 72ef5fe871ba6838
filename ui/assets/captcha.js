// Solves the proof of work of ALTCHA, in a worker that runs this same file, and holds forms back until it is done. For
// another's widget, it takes the response to every form of the page.
(() => {
  "use strict";
  // solve finds the number whose hash, after the salt, is the challenge's.
  const solve = async (challenge, report) => {
    const wanted = challenge.challenge.toLowerCase();
    const most = challenge.maxnumber || challenge.maxNumber || 1e6;
    const encoder = new TextEncoder();
    const batch = 500;
    const hash = (n) => crypto.subtle.digest(challenge.algorithm || "SHA-256", encoder.encode(challenge.salt + n));
    const hex = (buffer) => Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, "0")).join("");
    const start = parseInt(wanted.slice(0, 8), 16);
    for (let first = 0; first <= most; first += batch) {
      const hashes = await Promise.all(Array.from({ length: Math.min(batch, most - first + 1) }, (_, i) => hash(first + i)));
      for (let i = 0; i < hashes.length; i++) {
        if (new DataView(hashes[i]).getUint32(0) === start && hex(hashes[i]) === wanted) return first + i;
      }
      report(first / most);
    }
    throw new Error("no solution");
  };

  if (typeof document === "undefined") {
    onmessage = (event) => solve(event.data, (progress) => postMessage({ progress }))
      .then((number) => postMessage({ number }), () => postMessage({ failed: true }));
    return;
  }

  const url = document.currentScript.src;
  const box = document.getElementById("captcha");
  if (!box) return;
  const status = document.getElementById("captcha-status");
  const progress = document.getElementById("captcha-progress");
  const fields = document.querySelectorAll("input[name=captcha]");
  const say = (text) => { if (status.textContent !== text) status.textContent = text; };

  if (!box.dataset.challenge) {
    addEventListener("submit", () => {
      const token = document.querySelector("[name=g-recaptcha-response]");
      for (const field of fields) field.value = token ? token.value : "";
    }, true);
    addEventListener("load", () => { if (!window.grecaptcha) say(box.dataset.failed); });
    return;
  }

  const challenge = JSON.parse(box.dataset.challenge);
  const began = performance.now();
  let state = "working";
  let waiting = null; // the form that was sent too early
  const show = (done) => { progress.value = done; };
  // A form without a button of its own, as that of a passkey, gets one for the moment.
  const send = () => {
    if (!waiting) return;
    const { form, submitter } = waiting;
    waiting = null;
    const button = submitter || form.querySelector("button:not([type=button])");
    if (button) {
      button.click();
      return;
    }
    const own = form.appendChild(document.createElement("button"));
    own.hidden = true;
    own.click();
    own.remove();
  };
  const solved = (number) => {
    state = "done";
    const took = Math.round(performance.now() - began);
    const { algorithm, salt, signature } = challenge;
    const response = btoa(JSON.stringify({ algorithm, challenge: challenge.challenge, number, salt, signature, took }));
    for (const field of fields) field.value = response;
    progress.hidden = true;
    say(box.dataset.done);
    send();
  };
  const failed = () => {
    state = "failed";
    progress.hidden = true;
    say(box.dataset.failed);
    send();
  };
  // What was too early is sent as soon as it can be. Once that is hopeless the server may say so.
  addEventListener("submit", (event) => {
    if (state !== "working" || !event.target.querySelector("input[name=captcha]")) return;
    event.preventDefault();
    event.stopPropagation();
    waiting = { form: event.target, submitter: event.submitter || undefined };
  }, true);
  // Whoever goes elsewhere meanwhile is not called back.
  addEventListener("submit", (event) => { if (!event.defaultPrevented) waiting = null; });
  addEventListener("click", (event) => { if (event.target.closest("a[href]:not([target])")) waiting = null; });

  say(box.dataset.working);
  progress.hidden = false;
  const here = () => solve(challenge, show).then(solved, failed);
  if (!window.crypto || !crypto.subtle) {
    failed();
    return;
  }
  const trusted = window.trustedTypes && trustedTypes.createPolicy("signet", { createScriptURL: (own) => own });
  try {
    const worker = new Worker(trusted ? trusted.createScriptURL(url) : url);
    worker.onmessage = ({ data }) => {
      if (data.number !== undefined) solved(data.number);
      else if (data.failed) failed();
      else show(data.progress);
    };
    worker.onerror = () => {
      worker.terminate();
      if (state === "working") here();
    };
    worker.postMessage(challenge);
  } catch (error) {
    here();
  }
})();
