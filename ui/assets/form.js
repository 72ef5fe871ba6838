// What the form of questions has more of where there is JavaScript: photos that are made smaller, or taken here, and a word
// about the caps-lock key.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);

  for (const input of document.querySelectorAll("input[data-caps-lock]")) {
    const hint = document.createElement("p");
    hint.className = "hint";
    hint.id = input.id + "-caps";
    hint.dataset.live = "";
    input.after(hint);
    const say = (event) => {
      const on = event.getModifierState && event.getModifierState("CapsLock");
      const text = on && event.type !== "blur" ? input.dataset.capsLock : "";
      if (hint.textContent !== text) hint.textContent = text;
    };
    for (const type of ["keydown", "keyup", "blur"]) input.addEventListener(type, say);
  }

  const longest = 1600; // pixels, of the longer side
  for (const photo of document.querySelectorAll(".photo")) {
    const input = photo.querySelector("input");
    if (input.disabled || !window.DataTransfer) continue;
    const part = (name) => byId(input.id + "-" + name);
    const [video, picture, status] = [part("video"), part("picture"), part("status")];
    const [open, capture, close] = [part("camera"), part("capture"), part("close")];
    const texts = JSON.parse(photo.dataset.texts);
    let stream = null;
    let asked = false;
    let pending = null;
    let last = 0; // the photo that was chosen or taken last, which is the one that counts

    // draw shows an image, scaled down, and puts it into the form as a JPEG that is not too large.
    const draw = async (image, width, height, mine) => {
      if (mine !== last) return;
      const scale = Math.min(1, longest / Math.max(width, height));
      picture.width = Math.max(1, Math.round(width * scale));
      picture.height = Math.max(1, Math.round(height * scale));
      picture.getContext("2d").drawImage(image, 0, 0, picture.width, picture.height);
      for (const quality of [0.9, 0.75, 0.5, 0.3]) {
        const blob = await new Promise((done) => picture.toBlob(done, "image/jpeg", quality));
        if (mine !== last) return;
        if (!blob || blob.size > Number(photo.dataset.max)) continue;
        const files = new DataTransfer();
        files.items.add(new File([blob], "photo.jpg", { type: "image/jpeg" }));
        input.files = files.files;
        picture.hidden = false;
        status.textContent = texts.ready;
        return;
      }
    };

    input.addEventListener("change", () => {
      const mine = ++last;
      pending = null;
      picture.hidden = true;
      status.textContent = "";
      const file = input.files[0];
      if (!file || !window.createImageBitmap) return;
      const work = createImageBitmap(file).then((image) => draw(image, image.width, image.height, mine)).catch(() => {}); // the server says what is wrong with it
      pending = work;
      work.then(() => { if (pending === work) pending = null; });
    });
    const { form } = input;
    form.addEventListener("submit", (event) => {
      if (!pending) return;
      event.preventDefault();
      form.removeAttribute("aria-busy");
      pending.then(() => form.requestSubmit ? form.requestSubmit() : form.submit());
    });

    const stop = () => {
      if (stream) for (const track of stream.getTracks()) track.stop();
      stream = null;
      video.srcObject = null;
      video.hidden = capture.hidden = close.hidden = true;
      open.hidden = false;
    };
    open.addEventListener("click", async () => {
      if (asked) return; // a second camera would never be turned off
      asked = true;
      status.textContent = "";
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
        video.srcObject = stream;
        picture.hidden = open.hidden = true;
        video.hidden = capture.hidden = close.hidden = false;
        video.play().catch(() => {}); // a page in the background may not; it still has a picture
        capture.focus();
      } catch (error) {
        stop();
        status.textContent = texts[{ NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "missing", OverconstrainedError: "missing" }[error.name] || "busy"];
        open.focus();
      }
      asked = false;
    });
    capture.addEventListener("click", async () => {
      if (!video.videoWidth) return; // there is no picture yet
      await draw(video, video.videoWidth, video.videoHeight, ++last);
      stop();
      input.dispatchEvent(new Event("input", { bubbles: true })); // what was missing is there
      open.focus();
    });
    close.addEventListener("click", () => {
      stop();
      open.focus();
    });
    addEventListener("pagehide", stop);

    open.hidden = !(navigator.mediaDevices && navigator.mediaDevices.getUserMedia);
    photo.querySelector(".camera").hidden = false;
  }
})();
