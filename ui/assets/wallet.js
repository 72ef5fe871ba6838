// Waits for a wallet: shows a new code before the old one expires, says what happens, and goes on when the wallet is done.
(() => {
  "use strict";
  const status = document.getElementById("wallet-status");
  if (!status) return;
  let box = document.getElementById("wallet");
  let waiting, timer, failures = 0;

  const say = (name) => {
    if (status.textContent !== status.dataset[name]) status.textContent = status.dataset[name];
  };

  // The page, as the server shows it now, takes the place of what is there. Where the login is elsewhere, so goes the browser.
  const renew = async (words) => {
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("wallet");
    if (!answer.ok || !fresh) {
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
    say(words);
    schedule();
  };

  const schedule = () => {
    clearTimeout(timer);
    const seconds = Number(box.dataset.next);
    if (!seconds) return;
    timer = setTimeout(() => {
      if (document.hidden) return; // which is made up for when it is shown again
      renew("refreshed").catch(() => { say("expired"); });
    }, seconds * 1000);
  };

  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  const wait = async () => {
    const mine = waiting = new AbortController();
    while (!mine.signal.aborted) {
      const began = performance.now();
      try {
        const url = box.dataset.status + "?seen=" + box.dataset.stage;
        const answer = await fetch(url, { signal: mine.signal });
        if (!answer.ok) throw new Error("status " + answer.status);
        const stage = (await answer.json()).stage;
        if (failures) say(box.dataset.stage === "1" ? "linked" : "waiting");
        failures = 0;
        if (stage === "done") {
          say("done");
          location.assign(box.dataset.home);
          return;
        }
        if (stage === "over") {
          location.assign(box.dataset.home);
          return;
        }
        if (stage === "linked" && box.dataset.stage === "0") await renew("linked");
        if (stage === "unlinked" && box.dataset.stage === "1") await renew("waiting");
        if (stage === "expired") {
          await renew("expired");
          if (box.dataset.next === "0" && box.dataset.stage === "0") return; // there are no more codes
        }
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
    if (document.hidden) return;
    renew(box.dataset.stage === "1" ? "linked" : "waiting").catch(() => {});
    wait();
  });
  addEventListener("pagehide", () => { if (waiting) waiting.abort(); });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  say(box.dataset.stage === "1" ? "linked" : "waiting");
  schedule();
  if (!document.hidden) wait();
})();
