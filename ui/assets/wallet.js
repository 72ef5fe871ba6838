// Waits for a wallet: shows a new code before the old one expires, says what happens, and goes on when the wallet is done.
(() => {
  "use strict";
  const status = document.getElementById("wallet-status");
  if (!status) return;
  let box = document.getElementById("wallet");
  let refreshes = Number(box.dataset.refreshes);
  let waiting, timer, failures = 0;

  const linked = () => box.dataset.stage === "1";
  const code = () => box.querySelector("#wallet-qr-code");
  // Without a code there is nothing to wait for, unless a wallet has the login.
  const over = () => !linked() && (!code() || code().hidden);
  const say = (name) => {
    if (status.textContent !== status.dataset[name]) status.textContent = status.dataset[name];
  };
  const sayStage = () => { if (!over()) say(linked() ? "linked" : "waiting"); };

  // The page as a document, which Trusted Types do not let anybody make of a text.
  const load = () => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.onload = () => resolve(request);
    request.onerror = request.onabort = () => reject(new Error("no network"));
    request.send();
  });

  // The page, as the server shows it now, takes the place of what is there. Where the login is elsewhere, so goes the browser.
  const renew = async (words) => {
    const { status: answered, response: page } = await load();
    if (answered >= 500) throw new Error("status " + answered);
    const fresh = answered === 200 && page && page.getElementById("wallet");
    if (!fresh) {
      location.assign(box.dataset.home);
      return;
    }
    const focused = box.contains(document.activeElement) && document.activeElement.id;
    const next = document.importNode(fresh, true);
    box.replaceWith(next);
    box = next;
    document.title = page.title;
    const links = [document, page].map((d) => d.getElementById("back-button"));
    if (links[0] && !links[1]) links[0].remove();
    const target = focused && document.getElementById(focused);
    if (target) target.focus();
    if (over()) status.textContent = "";
    else say(words);
    schedule();
  };

  // A page that nobody looks after shows only so many codes. Then it asks.
  const refresh = async () => {
    if (refreshes > 0) {
      refreshes--;
      await renew("refreshed").catch((error) => {
        refreshes++;
        throw error;
      });
      return;
    }
    clearTimeout(timer);
    for (const part of box.querySelectorAll("#wallet-qr-code, .open")) part.hidden = true;
    say("expired");
  };

  const schedule = () => {
    clearTimeout(timer);
    const seconds = Number(box.dataset.next);
    if (!seconds || refreshes < 1) return;
    timer = setTimeout(() => {
      if (document.hidden) return; // which is made up for when it is shown again
      refresh().catch(() => {}); // and once more when the code has expired
    }, seconds * 1000);
  };

  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  const wait = async () => {
    const mine = waiting = new AbortController();
    while (!mine.signal.aborted && !over()) {
      const began = performance.now();
      try {
        const url = box.dataset.status + "?seen=" + box.dataset.stage;
        const answer = await fetch(url, { signal: mine.signal });
        if ([400, 404, 410].includes(answer.status)) { // the browser has lost the login, and asks in vain
          location.assign(box.dataset.home);
          return;
        }
        if (!answer.ok) throw new Error("status " + answer.status);
        const stage = (await answer.json()).stage;
        if (stage === "done" || stage === "over") {
          if (stage === "done") say(stage);
          location.assign(box.dataset.home);
          return;
        }
        if (stage === "expired" && linked()) {
          location.assign(location.pathname); // which says so, and offers other ways
          return;
        }
        if (stage === "expired") await refresh();
        else if ((stage === "linked") !== linked()) await renew(stage === "linked" ? "linked" : "waiting");
        else if (failures) sayStage();
        failures = 0;
        if (performance.now() - began < 1000) await pause(1000);
      } catch (error) {
        if (mine.signal.aborted) return;
        failures++;
        if (failures > 1) say("offline");
        await pause(Math.min(30, 2 ** failures) * 1000 * (0.5 + Math.random()));
      }
    }
  };

  // A tab that nobody sees does not wait.
  document.addEventListener("visibilitychange", () => {
    if (waiting) waiting.abort();
    waiting = undefined;
    if (document.hidden || over()) return;
    renew(linked() ? "linked" : "waiting").catch(() => {});
    wait();
  });
  addEventListener("pagehide", () => { if (waiting) waiting.abort(); });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  sayStage();
  schedule();
  if (!document.hidden) wait();
})();
