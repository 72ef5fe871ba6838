// Enhancement only: the consent page and its like work without this file.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);

  // One box for everything that is optional: ticked, not ticked, or mixed, which browsers tell screen readers. It takes the
  // place of two buttons.
  const every = byId("select-optional");
  if (every) {
    const boxes = [...every.form.querySelectorAll("input[data-optional]")];
    const show = () => {
      const ticked = boxes.filter((box) => box.checked).length;
      every.checked = ticked === boxes.length;
      every.indeterminate = ticked > 0 && !every.checked;
    };
    every.addEventListener("change", () => {
      for (const box of boxes) box.checked = every.checked;
      show();
    });
    for (const box of boxes) box.addEventListener("change", show);
    addEventListener("pageshow", show);
    show();
    byId("select-all").parentElement.remove();
    every.closest("label").hidden = false;
  }

  // The time left is counted on the browser's steady clock from what the server said. A screen reader hears of it now and
  // then, not every second.
  const limit = byId("time-limit");
  if (limit) {
    const end = performance.now() + limit.dataset.seconds * 1000;
    const warnings = Object.entries(JSON.parse(limit.dataset.warnings)).map(([at, text]) => [Number(at), text]).sort((a, b) => a[0] - b[0]);
    const clock = byId("time-clock");
    const status = byId("time-status");
    let said;
    clock.hidden = false;
    byId("time-left").hidden = true;
    const tick = () => {
      const n = Math.ceil((end - performance.now()) / 1000);
      if (n <= 0) {
        clock.hidden = true;
        status.textContent = limit.dataset.over;
        const again = byId("start-again");
        if (again) again.hidden = false;
        return;
      }
      clock.querySelector("span").textContent = Math.floor(n / 60) + ":" + String(n % 60).padStart(2, "0");
      const due = warnings.find(([at]) => n <= at);
      if (due && due[0] !== said) {
        said = due[0];
        if (due[0] - n < 3) status.textContent = due[1]; // not if the page was opened or woken up later
      }
      setTimeout(tick, 1000);
    };
    tick();
  }
})();
