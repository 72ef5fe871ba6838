// Enhancement only: the pages of decisions work without this file.
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

  // Whether the login is to be given up is asked here, and not on a page of its own. The focus comes back to the button.
  const leave = byId("leave");
  const cancel = byId("cancel") || byId("cancel-button");
  if (leave && leave.showModal && cancel) {
    cancel.addEventListener("click", (event) => {
      event.preventDefault();
      leave.showModal();
    });
    byId("stay-button").addEventListener("click", () => leave.close());
  }
})();
