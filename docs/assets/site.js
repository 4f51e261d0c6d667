"use strict";
// Names what the theme adds to a page when it is shown, for screen readers and the keyboard.
const name = () => {
  document.querySelectorAll(".md-code__nav:not([aria-label])").forEach((nav, place) =>
    nav.setAttribute("aria-label", `Copy code ${place + 1} of this page`));
  document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])").forEach((wrap) =>
    wrap.setAttribute("tabindex", "0"));
};
new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
name();
