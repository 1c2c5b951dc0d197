// Runs before the page's own modules, and is written for browsers that can't read them: it says so where they do not start.
(function () {
  /** @param {any} event */
  function show(event) {
    var target = event && event.target;
    if (target && target.tagName && target.tagName !== "SCRIPT") return;
    var page = document.getElementById("page");
    var message = document.getElementById("old-browser");
    if (!page || !message) return;
    page.setAttribute("data-state", "error");
    message.removeAttribute("hidden");
  }
  window.addEventListener("error", show, true);
  if (!("noModule" in document.createElement("script"))) document.addEventListener("DOMContentLoaded", show);
})();
