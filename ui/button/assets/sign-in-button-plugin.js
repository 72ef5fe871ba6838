// "Sign in with …": the options of eSignet's sign-in button, without its holes. It sets no HTML and no style attribute,
// loads nothing, and so works under a policy without unsafe-inline that allows this one file.
var SignInWithEsignetButton = (() => {
  "use strict";
  const { css, texts, names } = SIGNET_BUTTON; // the provider fills this in
  const own = document.currentScript && document.currentScript.src;
  const requestURI = "urn:ietf:params:oauth:request_uri:";
  const callbackTimeout = 30000;
  let leaving = false; // one click at a time, whichever button it is
  addEventListener("pageshow", () => { leaving = false; });

  const styled = () => {
    if (styled.done) return;
    styled.done = true;
    if (document.adoptedStyleSheets && "replaceSync" in CSSStyleSheet.prototype) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    } else if (own) { // browsers of 2022 and before: the file beside this one, where the page's policy lets it
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = new URL("sign-in-button.css", own).href;
      document.head.append(link);
    }
  };

  const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

  // Pages of eSignet hand over some values encoded already: openid%20profile, https%3A%2F%2F. Only where a plain value
  // has no percent sign is one taken for an encoding; state and nonce are what they are.
  const decoded = (value) => {
    try { return decodeURIComponent(value); } catch { return value; }
  };
  const list = (value) => (value == null ? value : decoded(String(value)));
  const uri = (value) => (/^[a-z][a-z0-9+.-]*%3a/i.test(value) ? decoded(value) : value);
  const json = (value) => (typeof value === "string" ? decoded(value) : value && JSON.stringify(value));

  const webURL = (value) => {
    try {
      const url = new URL(value, document.baseURI);
      return /^https?:$/.test(url.protocol) ? url : null;
    } catch { return null; }
  };
  // An app's redirect URI has a scheme of its own, with a dot in it (RFC 8252 section 7.1): javascript: has none.
  const returnURL = (value) => {
    try {
      const url = new URL(value);
      return /^(https?|[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+):$/.test(url.protocol) ? url : null;
    } catch { return null; }
  };
  const extend = (url, parameters) => {
    const query = parameters.filter(([, v]) => v !== undefined && v !== null && v !== "")
      .map(([name, v]) => name + "=" + encodeURIComponent(v)).join("&");
    url.search += (url.search.length > 1 ? "&" : "") + query;
    return url.href;
  };

  const mistake = (c) => {
    const pushed = typeof c.par_callback === "function"; // whoever pushes the request knows its scope and redirect_uri
    if (!c.authorizeUri || !c.client_id || (!pushed && (!c.redirect_uri || !c.scope))) return "Required parameter is missing";
    if (!webURL(uri(c.authorizeUri))) return "Invalid authorize URI";
    if (c.redirect_uri && !returnURL(uri(c.redirect_uri))) return "Invalid redirect URI";
    if (c.response_type && c.response_type !== "code") return "Invalid Response Type";
    if (c.display && !["page", "popup", "touch", "wap"].includes(c.display)) return "Invalid display value";
    if (c.prompt && !["none", "login", "consent", "select_account"].includes(c.prompt)) return "Invalid prompt value";
    return "";
  };

  const timedOut = Symbol("timed out");
  // call returns what the callback says, undefined where it fails.
  const call = async (milliseconds, callback, ...args) => {
    let timer;
    const late = new Promise((resolve) => { timer = setTimeout(resolve, milliseconds, timedOut); });
    try {
      return await Promise.race([callback(...args), late]);
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  };

  class Failure {
    constructor(code, description) { Object.assign(this, { code, description }); }
  }

  // address is where the click leads.
  const address = async (c, state, nonce) => {
    const locales = list(c.ui_locales);
    let jkt;
    if (typeof c.dpop_callback === "function") {
      jkt = await call(callbackTimeout, c.dpop_callback, c.client_id, state);
      if (typeof jkt !== "string" || !jkt) throw new Failure("dpop_failed", "The DPoP callback failed");
    }
    let pkce = {};
    if (typeof c.code_challenge === "function") {
      pkce = await call(callbackTimeout, c.code_challenge, c.client_id, state);
      if (!pkce || typeof pkce.code_challenge !== "string" || !pkce.code_challenge) {
        throw new Failure("code_challenge_failed", "The code challenge callback failed");
      }
    }
    const url = webURL(uri(c.authorizeUri));
    if (typeof c.par_callback === "function") {
      const given = Number(c.par_callback_timeout);
      const reference = await call(given > 0 ? Math.min(given, 2 ** 31 - 1) : 5000, c.par_callback,
        c.client_id, state, locales, jkt, pkce.code_challenge, pkce.code_challenge_method);
      if (reference === timedOut) throw new Failure("request_uri_timeout", "The PAR callback took too long");
      if (typeof reference !== "string" || !reference.startsWith(requestURI)) {
        throw new Failure("request_uri_error", "The PAR callback failed");
      }
      return extend(url, [["client_id", c.client_id], ["request_uri", reference], ["ui_locales", locales]]);
    }
    return extend(url, [
      ["nonce", nonce], ["state", state], ["client_id", c.client_id], ["redirect_uri", uri(c.redirect_uri)],
      ["scope", list(c.scope)], ["response_type", "code"], ["acr_values", list(c.acr_values)], ["claims", json(c.claims)],
      ["claims_locales", list(c.claims_locales)], ["display", c.display], ["prompt", c.prompt], ["max_age", c.max_age],
      ["ui_locales", locales], ["dpop_jkt", jkt],
      ["code_challenge", pkce.code_challenge], ["code_challenge_method", pkce.code_challenge_method],
    ]);
  };

  const go = async (c, options, button) => {
    if (leaving) return;
    leaving = true;
    button.setAttribute("aria-busy", "true");
    const state = c.state || random();
    const nonce = c.nonce || random();
    try {
      const url = await address(c, state, nonce);
      button.dispatchEvent(new CustomEvent("signet:request", { bubbles: true, detail: { state, nonce, url } }));
      location.assign(url);
      setTimeout(() => { leaving = false; }, 15000); // if the page stays: the person stopped it, or an app took it
    } catch (failure) {
      leaving = false;
      if (!(failure instanceof Failure)) throw failure;
      const back = c.redirect_uri && returnURL(uri(c.redirect_uri));
      if (back) {
        location.replace(extend(back, [["error_description", failure.description], ["error", failure.code], ["state", state]]));
      } else {
        render(options, failure.description);
      }
    } finally {
      button.removeAttribute("aria-busy");
    }
  };

  // set sets a property to a value that loads nothing. The browser takes the value of this one property only.
  const set = (element, name, value) => {
    value = String(value);
    if (/\\|(url|image|image-set|cross-fade|src|element)\(/i.test(value)) return;
    element.style.setProperty(name.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase()), value);
  };
  const setAll = (element, properties) => {
    for (const [name, value] of Object.entries(properties || {})) if (value != null) set(element, name, value);
  };

  const language = (element, locales) => {
    for (const tag of [...(list(locales) || "").split(" "), (element.closest("[lang]") || document.documentElement).lang]) {
      for (let t = tag.toLowerCase(); t; t = t.substring(0, t.lastIndexOf("-"))) if (Object.keys(texts).includes(t)) return t;
    }
    return "en";
  };

  const builtInLogo = () => {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    const draw = (d, fill) => {
      const path = document.createElementNS(space, "path");
      path.setAttribute("d", d);
      path.setAttribute("fill", fill);
      svg.append(path);
    };
    svg.setAttribute("viewBox", "0 0 40 40");
    svg.setAttribute("aria-hidden", "true");
    draw("M20 2c5 3.6 10.5 5 16 5v11c0 10-6 16.5-16 20C10 34.5 4 28 4 18V7c5.5 0 11-1.4 16-5z", "#0b5d5a");
    draw("M20 11a5 5 0 0 1 5 5c0 2-1.2 3.7-2.8 4.5L23.5 28h-7l1.3-7.5A5 5 0 0 1 20 11z", "#fff");
    return svg;
  };
  const logo = (path) => {
    const url = path && (/^data:image\//i.test(path) ? path : webURL(path));
    if (!url) return builtInLogo();
    const img = document.createElement("img");
    img.alt = "";
    img.referrerPolicy = "no-referrer";
    img.src = url;
    return img;
  };

  const render = (options, message) => {
    const { signInElement, style } = options;
    const b = options.buttonConfig || {};
    const c = { ...options.oidcConfig };
    message = message || mistake(c);
    const choice = (value, ...known) => (known.includes(value) ? value : known[0]);
    const type = choice(b.type, "standard", "icon");
    const theme = choice(b.theme, "outline", "filled_orange", "filled_black", "custom");
    const shape = choice(b.shape, "sharp_edges", "soft_edges", "rounded_edges");
    const code = language(signInElement, c.ui_locales);
    const text = message ? message + ". Please report to site admin"
      : b.labelText || texts[code].text.replace("{name}", () => names[code] || names[""]);

    const button = document.createElement("button");
    const box = document.createElement("span");
    const mark = document.createElement("span");
    const picture = logo(b.logoPath);
    const label = document.createElement("span");
    button.type = "button";
    button.className = "signet-button";
    button.disabled = Boolean(message);
    if (message) {
      button.lang = "en";
      button.dir = "ltr";
    } else if (!b.labelText) {
      button.lang = code;
      button.dir = texts[code].dir;
    }
    mark.append(picture);
    box.append(mark);
    button.append(box);
    label.textContent = text;
    if (type === "standard" || message) box.append(label);
    else button.setAttribute("aria-label", text);

    const own = b.customStyle;
    if (own) {
      setAll(box, type === "icon" ? own.outerDivStyleIcon : own.outerDivStyleStandard);
      setAll(mark, own.logoDivStyle);
      setAll(picture, own.logoImgStyle);
      setAll(label, own.labelSpanStyle);
    } else {
      const classes = theme === "custom"
        ? ["sign-in-outer-div-container-" + type, "sign-in-logo-div-container", "sign-in-logo-img", "sign-in-label-span"]
        : ["signet-button-box " + [type, theme, shape].join(" "), "signet-button-logo", "", "signet-button-label"];
      [box, mark, picture, label].forEach((element, i) => classes[i] && element.setAttribute("class", classes[i]));
      setAll(box, {
        width: b.width, background: b.background, color: b.textColor, borderWidth: b.borderWidth, borderColor: b.borderColor,
        font: b.font, fontFamily: b.fontFamily,
      });
    }
    setAll(button, style);
    if (!message) button.addEventListener("click", () => go(c, options, button));
    signInElement.textContent = "";
    signInElement.append(button);
  };

  // init puts the button into signInElement, in place of what is there, and returns the element.
  const init = async (options) => {
    if (!options || !options.signInElement) return options && options.signInElement;
    styled();
    render(options, "");
    return options.signInElement;
  };
  return Object.freeze({ init });
})();
