// Finds biometric devices on this computer, and has them capture: MOSIP Secure Biometric Interface 2.0. What a device
// gives is sent as it is; nothing is kept.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const form = byId("capture");
  const settings = JSON.parse(form.dataset.capture);
  const texts = JSON.parse(form.dataset.texts);
  const [scan, stop, send, list] = [byId("scan_devices"), byId("stop_scan"), byId("verify_bio"), byId("devices")];
  const [status, error] = [byId("capture-status"), byId("capture-error")];
  let devices = [];
  let busy = null; // what a click on Stop ends

  const write = (element, text) => {
    element.textContent = text;
    element.hidden = !text;
  };
  const say = (text) => { write(error, ""); write(status, text); };
  const complain = (text) => { write(status, ""); write(error, text); };
  const work = (controller) => {
    busy = controller;
    stop.hidden = !controller;
    scan.hidden = send.hidden = Boolean(controller);
    if (!controller) update();
  };
  const pause = (milliseconds, signal) => new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", resolve);
  });

  // Devices answer methods of their own, on the loopback address.
  const call = async (port, path, method, body, signal) => {
    const answer = await fetch("http://127.0.0.1:" + port + "/" + path, {
      method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), credentials: "omit", signal,
    });
    return answer.text();
  };

  // A device describes itself in a JWT, whose signature is for the identity system to check.
  const claims = (token) => {
    const part = token.split(".")[1] || token;
    const bytes = Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  };
  const modalities = { finger: "finger", face: "face", iris: "iris" };
  const statuses = { ready: "ready", notready: "not_ready", busy: "device_busy", notregistered: "not_registered" };
  const describe = (port, entry) => {
    const info = typeof entry.deviceInfo === "string" ? claims(entry.deviceInfo) : entry.deviceInfo;
    const digital = typeof info.digitalId === "string" ? claims(info.digitalId) : info.digitalId;
    const versions = [].concat(info.specVersion || entry.specVersion || "0.9.5");
    return {
      port, id: info.deviceId, subId: [].concat(info.deviceSubId || "0")[0], version: versions[0],
      usable: info.certification === "L1" && String(info.purpose).toLowerCase() === "auth",
      modality: modalities[String(digital.type).toLowerCase().replace(/ .*/, "").replace("fingerprint", "finger")],
      state: statuses[String(info.deviceStatus).toLowerCase().replace(/[^a-z]/g, "")] || "not_ready",
      name: [digital.make, digital.model].filter(Boolean).join(" ") || String(info.deviceId),
    };
  };

  const look = async (port, signal) => {
    try {
      const found = JSON.parse(await call(port, "device", "MOSIPDISC", { type: "Biometric Device" }, signal));
      if (!Array.isArray(found)) return [];
      const infos = JSON.parse(await call(port, "info", "MOSIPDINFO", undefined, signal));
      return [].concat(infos).map((entry) => {
        try {
          return describe(port, entry);
        } catch (e) {
          return null;
        }
      }).filter((device) => device && device.usable && device.modality);
    } catch (e) {
      return []; // nobody there
    }
  };

  const refused = async () => {
    for (const name of ["loopback-network", "local-network-access"]) {
      try {
        if ((await navigator.permissions.query({ name })).state === "denied") return true;
      } catch (e) {
        // A browser that does not know the permission does not ask for it.
      }
    }
    return false;
  };

  // Whatever takes calls on some port and does not answer them holds nobody up who has found a device on another.
  const round = async (ports, signal) => {
    const found = [];
    let some;
    const soon = new Promise((resolve) => { some = resolve; }).then(() => pause(3000, signal));
    await Promise.race([soon, Promise.all(ports.map(async (port, i) => {
      found[i] = await look(port, signal);
      if (found[i].length) some();
    }))]);
    return found.flat();
  };

  const search = async () => {
    const controller = new AbortController();
    work(controller);
    list.hidden = true;
    devices = [];
    say(texts.scanning);
    byId("before-scan").hidden = true;
    const end = setTimeout(() => controller.abort(), settings.timeout);
    const ports = Array.from({ length: settings.lastPort - settings.firstPort + 1 }, (_, i) => settings.firstPort + i);
    while (!devices.length && !controller.signal.aborted) {
      devices = await round(ports, controller.signal);
      if (!devices.length && await refused()) break;
      if (!devices.length) await pause(4000, controller.signal);
    }
    clearTimeout(end);
    controller.abort();
    show();
    work(null);
    const [one] = devices;
    if (!one) complain(await refused() ? texts.refused : texts.none);
    else if (devices.length > 1) say(texts.found.replace("{count}", devices.length));
    else if (one.state === "ready") say(texts.found_one.replace("{device}", () => one.name));
  };

  const show = () => {
    const ready = devices.length > 1 ? devices.findIndex((device) => device.state === "ready") : 0;
    const rows = list.querySelector("ul");
    rows.textContent = "";
    rows.append(...devices.map((device, i) => {
      const radio = Object.assign(document.createElement("input"), { type: "radio", id: "device-" + i, checked: i === ready });
      radio.value = i;
      const name = document.createElement("span");
      name.textContent = texts[device.modality] + " – " + device.name;
      const tag = Object.assign(document.createElement("span"), { className: "tag", textContent: texts[device.state] });
      const row = Object.assign(document.createElement("label"), { className: "row" });
      radio.name = "device"; // within the form, so that the arrow keys work
      row.append(radio, name, tag);
      const item = document.createElement("li");
      item.append(row);
      return item;
    }));
    list.hidden = !devices.length;
  };
  const chosen = () => {
    const radio = list.querySelector("input:checked");
    return radio && devices[radio.value];
  };
  const update = () => {
    const device = chosen();
    send.hidden = !device || device.state !== "ready";
    scan.classList.toggle("primary", send.hidden);
    if (device && send.hidden) complain(texts[device.modality] + " – " + device.name + ": " + texts[device.state]);
    else if (device && error.textContent) write(error, "");
  };
  list.addEventListener("change", update);

  const biometric = (device) => Object.assign({
    face: { type: "Face", count: "1", bioSubType: null },
    finger: { type: "Finger", count: String(settings.fingers), bioSubType: settings.fingerTypes },
    iris: { type: "Iris", count: String(settings.irises), bioSubType: settings.irisTypes },
  }[device.modality], {
    requestedScore: String(settings.score), deviceId: device.id, deviceSubId: String(device.subId), previousHash: "",
  });

  // What a device gives instead of a capture is explained by its code, which stands beside it for those who help.
  const explain = (code) => {
    const text = texts["code_" + code] || texts[{ 110: "busy", 111: "busy" }[code] || "failed"];
    return code && /^\w{1,8}$/.test(code) ? text + " (" + code + ")" : text;
  };
  const capture = async (device) => {
    const controller = new AbortController();
    let late = false;
    const end = setTimeout(() => { late = true; controller.abort(); }, settings.timeout + 2000);
    const fill = (text) => text.replace("{device}", () => device.name);
    work(controller);
    say(fill(texts.capturing));
    try {
      const answer = await call(device.port, "capture", "CAPTURE", {
        env: settings.env, purpose: "Auth", specVersion: device.version, timeout: String(settings.timeout),
        captureTime: new Date().toISOString(), domainUri: location.origin, transactionId: settings.transaction,
        bio: [biometric(device)], customOpts: null,
      }, controller.signal);
      const segments = JSON.parse(answer).biometrics;
      const wrong = segments.map((s) => s.error && String(s.error.errorCode)).find((code) => code && code !== "0");
      if (wrong || !segments.length) {
        complain(fill(explain(wrong)));
        return;
      }
      const bytes = new TextEncoder().encode(answer);
      let binary = "";
      for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
      form.elements.response.value = btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
      say(texts.sending);
    } catch (e) {
      if (late) complain(fill(texts.timeout));
      else if (controller.signal.aborted) say("");
      else complain(await refused() ? texts.refused : fill(texts.failed));
    } finally {
      clearTimeout(end);
      const [wasError, wasStatus] = [error.textContent, status.textContent];
      work(null);
      wasError ? complain(wasError) : say(wasStatus);
    }
    if (form.elements.response.value) form.requestSubmit ? form.requestSubmit() : form.submit();
  };

  addEventListener("submit", (event) => {
    if (event.target !== form || form.elements.response.value) return;
    event.preventDefault();
    event.stopPropagation();
    const device = chosen();
    if (busy) return;
    if (device && device.state === "ready") capture(device);
    else search();
  }, true);
  addEventListener("pageshow", () => { form.elements.response.value = ""; });
  stop.addEventListener("click", () => busy && busy.abort());
  scan.addEventListener("click", search);
  scan.hidden = false;
})();
