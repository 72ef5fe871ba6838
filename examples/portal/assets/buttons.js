// Renders a sign-in button in every element that asks for one.
(() => {
  "use strict";
  const { redirectUri, clientId } = document.getElementById("gallery").dataset;
  for (const place of document.querySelectorAll(".place")) {
    const { type, theme, shape, locale, own } = place.dataset;
    SignInWithEsignetButton.init({
      signInElement: place,
      oidcConfig: { authorizeUri: "/login", redirect_uri: redirectUri, client_id: clientId, scope: "openid", ui_locales: locale },
      buttonConfig: own
        ? { theme: "outline", shape: "soft_edges", width: "18rem", background: "#1b3a6b", textColor: "#fff", borderColor: "#1b3a6b", font: "600 18px/24px serif" }
        : { type, theme, shape },
    });
  }
})();
