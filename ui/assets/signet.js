// Enhancement only: every page works without this file.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const { numbers, zero } = document.currentScript.dataset;
  // Digits are written as the language of the page does.
  const digits = (text) => text.replace(/\d/g, (d) => String.fromCodePoint(zero.codePointAt(0) + Number(d)));

  // The steady clock, which nobody can set, stands still while a telephone sleeps: the other one then knows how long it was.
  const stopwatch = () => {
    const [steady, wall] = [performance.now(), Date.now()];
    return () => Math.max(performance.now() - steady, Date.now() - wall);
  };

  // What changes is said in one of two regions that are there from the start, as screen readers want it, whatever the place
  // on the page where it is written, which data-live marks.
  const regions = { polite: byId("polite"), assertive: byId("assertive") };
  if (regions.polite) {
    const places = new Set();
    const speak = () => {
      for (const name in regions) {
        const changed = [...places].filter((place) => (place.dataset.live || "polite") === name);
        const texts = changed.filter((place) => place.isConnected && !place.hidden).map((place) => place.textContent.trim());
        if (changed.length) regions[name].textContent = texts.filter(Boolean).join(" ");
      }
      places.clear();
    };
    const find = (node) => {
      const element = node.closest ? node : node.parentElement;
      const place = element && element.closest("[data-live]");
      if (!place) return;
      if (!places.size) setTimeout(speak, 100); // after the focus has moved, of which screen readers speak, too
      places.add(place);
    };
    new MutationObserver((changes) => {
      for (const { target, addedNodes, removedNodes } of changes) [target, ...addedNodes, ...removedNodes].forEach(find);
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["hidden"] });
  }

  // A second submit of the same page is not sent. Coming back to the page from history makes it usable again, and so does
  // a while: where the answer opens an app the page stays.
  for (const form of document.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", (event) => {
      if (form.getAttribute("aria-busy") === "true") event.preventDefault();
      else {
        form.setAttribute("aria-busy", "true");
        setTimeout(() => form.removeAttribute("aria-busy"), 15000);
        if (regions.polite && navigator.onLine) regions.polite.textContent = regions.polite.dataset.sending;
      }
    });
  }
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
    if (regions.polite) regions.polite.textContent = "";
  });

  // A missing answer is explained in the page's language, under its field, instead of in the browser's.
  let focused = false;
  for (const input of document.querySelectorAll("input[data-missing], select[data-missing]")) {
    const group = input.closest(".date"); // whose fields have one message
    const id = (group ? group.querySelector("input") : input).id + "-error";
    const describe = (text) => input.setAttribute("aria-describedby", text.trim());
    const described = () => input.getAttribute("aria-describedby") || "";
    input.addEventListener("invalid", (event) => {
      event.preventDefault();
      let error = byId(id);
      if (!error) {
        error = Object.assign(document.createElement("p"), { id, className: "error" });
        (group || input.closest(".secret, .prefixed, .photo, .row") || input).after(error);
      }
      if (error.textContent !== input.dataset.missing) {
        error.dataset.live = "assertive";
        error.textContent = input.dataset.missing;
      }
      input.setAttribute("aria-invalid", "true");
      if (!described().split(" ").includes(id)) describe(id + " " + described());
      if (!focused) input.focus();
      focused = true;
      setTimeout(() => { focused = false; });
    });
    input.addEventListener("input", () => {
      const error = byId(id);
      if (error) error.remove();
      if (!error && !described().includes(id)) return;
      input.removeAttribute("aria-invalid");
      describe(described().replace(id, ""));
    });
  }

  // Of several kinds of identifiers, the one that is chosen has to be filled in.
  const kinds = [...document.querySelectorAll("input[name=identifier_type][type=radio]")];
  const require = () => {
    for (const kind of kinds) kind.nextElementSibling.nextElementSibling.querySelector("input").required = kind.checked;
  };
  for (const kind of kinds) kind.addEventListener("change", require);
  addEventListener("pageshow", require);
  require();

  // The id of the field says the country of its prefix.
  for (const prefix of document.querySelectorAll("select[name^='prefix.']")) {
    prefix.addEventListener("change", () => {
      const input = prefix.parentElement.querySelector("input");
      const id = prefix.selectedOptions[0].dataset.id;
      for (const link of document.querySelectorAll(`[for="${input.id}"]`)) link.htmlFor = id;
      for (const link of document.querySelectorAll(`[href="#${input.id}"]`)) link.hash = id;
      input.id = id;
    });
  }

  // What was typed outlives a change of the language: it waits in the tab for the same page in the other one, which takes it
  // away. Secrets and files are left out.
  const typed = "signet.typed";
  const forget = () => { try { sessionStorage.removeItem(typed); } catch {} }; // a browser may refuse its storage
  const ticks = (field) => field.type === "radio" || field.type === "checkbox";
  const nameOf = (field) => [field.form.getAttribute("action"), field.name, ticks(field) ? field.value : ""].join(" ");
  const fields = [...document.querySelectorAll("form input, form select")].filter((field) =>
    ["text", "radio", "checkbox", "select-one"].includes(field.type) && field.name && field.name !== "response" && !field.readOnly && !field.disabled);
  const restore = ([path, values]) => {
    if (path !== location.pathname) return;
    for (const field of fields) {
      const value = values[nameOf(field)];
      if (value === undefined) continue;
      if (ticks(field)) field.checked = value;
      else if (!field.options || [...field.options].some((option) => option.value === value)) field.value = value;
      field.dispatchEvent(new Event("change"));
    }
  };
  try {
    const kept = sessionStorage.getItem(typed);
    forget();
    if (kept) restore(JSON.parse(kept));
  } catch {}
  for (const link of document.querySelectorAll(".language a")) {
    link.addEventListener("click", (event) => {
      if (!fields.length || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // which open it elsewhere
      const values = fields.map((field) => [nameOf(field), ticks(field) ? field.checked : field.value]);
      try { sessionStorage.setItem(typed, JSON.stringify([location.pathname, Object.fromEntries(values)])); } catch {}
      setTimeout(forget, 60000); // if the page is still here then
    });
  }
  addEventListener("pageshow", forget);

  const close = byId("error-close-button");
  if (close) {
    close.hidden = false;
    close.addEventListener("click", () => {
      byId("error-banner").remove();
      (document.querySelector("input[aria-invalid=true], select[aria-invalid=true]") || byId("main")).focus();
    });
  }

  const caps = byId("caps-lock");
  if (caps) {
    const look = (event) => { if (event.getModifierState) caps.textContent = event.getModifierState("CapsLock") ? caps.dataset.on : ""; };
    for (const type of ["keydown", "keyup", "mousedown"]) byId("response").addEventListener(type, look);
  }

  const eye = byId("password-eye");
  if (eye) {
    const input = byId(eye.getAttribute("aria-controls"));
    const show = (visible) => {
      input.type = visible ? "text" : "password";
      eye.setAttribute("aria-pressed", String(visible));
    };
    eye.hidden = false;
    eye.addEventListener("click", () => show(input.type === "password"));
    input.form.addEventListener("submit", () => show(false));
  }

  // The wait for a new code, counted from what the server said.
  const wait = byId("resend-wait");
  const resend = byId("resend_otp");
  if (wait && resend) {
    const passed = stopwatch();
    const text = wait.textContent;
    const left = () => Math.ceil(wait.dataset.seconds - passed() / 1000);
    resend.setAttribute("aria-disabled", "true");
    resend.addEventListener("click", (event) => { if (left() > 0) event.preventDefault(); });
    const tick = () => {
      const n = left();
      if (n > 0) {
        wait.textContent = text.replace(/\p{Nd}+:\p{Nd}{2}/u, digits(Math.floor(n / 60) + ":" + String(n % 60).padStart(2, "0")));
        setTimeout(tick, 1000);
      } else {
        wait.hidden = true;
        resend.removeAttribute("aria-disabled");
      }
    };
    tick();
  }

  // Other waits count down too, and say when they are over. Nothing is held back till then: the server decides.
  for (const timer of document.querySelectorAll("[role=timer][data-seconds]")) {
    const passed = stopwatch();
    const clock = timer.querySelector("span");
    timer.hidden = false;
    const tick = () => {
      const n = Math.ceil(timer.dataset.seconds - passed() / 1000);
      if (n > 0) {
        const parts = [Math.floor(n / 60) % 60, n % 60].map((part) => String(part).padStart(2, "0"));
        clock.textContent = digits((n < 3600 ? [String(Number(parts[0])), parts[1]] : [Math.floor(n / 3600), ...parts]).join(":"));
        setTimeout(tick, 1000);
      } else {
        timer.dataset.live = "polite";
        timer.textContent = timer.dataset.over;
      }
    };
    tick();
  }

  // The time of the login is counted from what the server said. A screen reader hears of it
  // now and then, not every second. More time is asked for in the background, so that nothing that was typed is lost.
  const limit = byId("time-limit");
  if (limit) {
    let passed = stopwatch();
    let seconds = Number(limit.dataset.seconds);
    const warnings = Object.entries(JSON.parse(limit.dataset.warnings)).map(([at, text]) => [Number(at), text]).sort((a, b) => a[0] - b[0]);
    const clock = byId("time-clock");
    const status = byId("time-status");
    const more = byId("more-time");
    const hide = (element) => { if (element) element.hidden = true; };
    let said;
    clock.hidden = false;
    hide(byId("time-left"));
    const tick = () => {
      const n = Math.ceil(seconds - passed() / 1000);
      limit.classList.toggle("near", n <= warnings[warnings.length - 1][0]);
      if (n <= 0) {
        hide(clock);
        hide(more);
        status.textContent = limit.dataset.over;
        const again = byId("start-again");
        if (again) again.hidden = false;
        return;
      }
      clock.querySelector("span").textContent = digits(Math.floor(n / 60) + ":" + String(n % 60).padStart(2, "0"));
      const due = warnings.find(([at]) => n <= at);
      if (due && due[0] !== said) {
        said = due[0];
        if (due[0] - n < 3) status.textContent = due[1]; // not if the page was opened or woken up later
      }
      setTimeout(tick, 1000);
    };
    tick();
    if (more) {
      more.form.addEventListener("submit", async (event) => {
        if (event.defaultPrevented) return; // it is under way
        event.preventDefault();
        let response;
        try {
          response = await fetch(more.form.action, {
            method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams(new FormData(more.form)), redirect: "manual",
          });
          const answer = await response.json();
          [passed, seconds] = [stopwatch(), answer.seconds];
          said = undefined;
          if (answer.extended) {
            hide(byId("time-end"));
            status.textContent = answer.text;
          } else status.textContent = limit.dataset.none;
          if (!answer.more) hide(more);
        } catch {
          if (response) more.form.submit(); // the server says what there is to say
          else status.textContent = byId("offline").dataset.offline; // and another page would be lost, with what was typed
        }
        more.form.removeAttribute("aria-busy");
      });
    }
  }

  // A way that this browser cannot go is not offered, as long as there is another.
  const ways = [...document.querySelectorAll(".option")];
  const blocked = window.PublicKeyCredential ? [] : ways.filter((way) => way.dataset.needs === "webauthn");
  if (blocked.length < ways.length) for (const way of blocked) way.hidden = true;

  // Times are shown on the browser's clock, where the server can only know its own; with a day only in a language of which
  // the browser knows the months.
  const { lang } = document.documentElement;
  const months = Intl.DateTimeFormat.supportedLocalesOf(lang).length > 0;
  for (const time of document.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    const today = date.toDateString() === new Date().toDateString();
    if (isNaN(date) || !today && !months) continue;
    time.textContent = date.toLocaleString(lang, {
      numberingSystem: numbers, dateStyle: today ? undefined : "long", timeStyle: "short", hourCycle: "h23",
    });
  }

  // Without a connection a form would be lost together with the page. Both stay, and the page says so.
  const offline = byId("offline");
  if (offline) {
    const say = () => { offline.textContent = navigator.onLine ? offline.textContent && offline.dataset.online : offline.dataset.offline; };
    addEventListener("offline", say);
    addEventListener("online", say);
    addEventListener("submit", (event) => {
      if (navigator.onLine) return;
      event.preventDefault();
      event.target.removeAttribute("aria-busy");
      say();
    });
  }

  const languages = document.querySelector(".language details");
  if (languages) {
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && languages.open) {
        languages.open = false;
        byId("language_selection").focus();
      }
    });
    addEventListener("click", (event) => { if (!languages.contains(event.target)) languages.open = false; });
    const search = byId("language_search");
    if (search) {
      const entries = [...languages.querySelectorAll("a")];
      const names = window.Intl && Intl.DisplayNames ? new Intl.DisplayNames(document.documentElement.lang, { type: "language" }) : { of: () => "" };
      const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
      const texts = entries.map((entry) => fold([entry.textContent, entry.lang, names.of(entry.lang)].join(" ")));
      search.parentElement.hidden = false;
      search.addEventListener("input", () => {
        const wanted = fold(search.value.trim());
        entries.forEach((entry, i) => { entry.parentElement.hidden = !texts[i].includes(wanted); });
      });
      search.addEventListener("keydown", (event) => {
        const first = entries.find((entry) => !entry.parentElement.hidden);
        if (event.key === "Enter" && first) first.click();
      });
    }
  }
})();
