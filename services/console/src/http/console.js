// What pages do beyond HTML: look again when something may have changed, and find as one types.
"use strict";

(() => {
  const LOOKS_AGAIN = { "looks-again": "1" };

  // Puts the parts of a new copy of a page in the place of the old ones.
  const replace = (page, selector) => {
    for (const old of document.querySelectorAll(selector)) {
      const fresh = page.getElementById(old.id);
      // Nothing is pulled away from under somebody's hands.
      if (!fresh || old.contains(document.activeElement) || old.isEqualNode(fresh)) continue;
      for (const open of old.querySelectorAll("details[open]")) {
        const index = [...old.querySelectorAll("details")].indexOf(open);
        fresh.querySelectorAll("details")[index]?.setAttribute("open", "");
      }
      old.replaceWith(document.adoptNode(fresh));
    }
  };

  // Says once, at the top, that this page is not what it was; what stands in a form stays there.
  const note = (id, before, link, after) => {
    if (document.getElementById(id)) return;
    const words = document.createElement("p");
    Object.assign(words, { id, className: "caution" });
    words.setAttribute("role", "alert");
    words.append(before, Object.assign(document.createElement("a"), link), after);
    document.getElementById("main").prepend(words);
  };

  // Signing in elsewhere is enough to send what was written.
  const signedOut = () => note(
    "signed-out",
    "You have been signed out. ",
    { href: "/console/sign-in", target: "_blank", rel: "noopener", textContent: "Sign in in another window" },
    " to see what is new here, and to send what you have written.",
  );

  // Another window has gone to another school, whose children have no place beneath the name of this one.
  const school = (page) => page.querySelector("[data-school]")?.dataset.school;
  const otherSchool = () => note(
    "other-school",
    "You have changed the school in another window. This page is of the school before, and nothing new is shown here. ",
    { href: "/console", textContent: "Go to the home page" },
    " of the school in which you are now.",
  );

  const get = async (address, sent) => {
    const answer = await fetch(address, { headers: LOOKS_AGAIN, credentials: "same-origin", ...sent });
    if (answer.status === 401) signedOut();
    if (!answer.ok) throw new Error(String(answer.status));
    if (new URL(answer.url).pathname === "/console/sign-in") { signedOut(); throw new Error("signed out"); }
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };

  if (document.querySelector("[data-live]")) {
    let looking = false;
    const look = async () => {
      if (looking || document.visibilityState !== "visible") return;
      looking = true;
      try {
        const page = await get(location.href);
        if (school(page) === school(document)) replace(page, "[data-live]"); else otherSchool();
      } catch { /* The next look may do better. */ }
      looking = false;
    };
    // A browser has six connections to a host, for all of its windows: only a page that is seen holds one.
    let stream;
    const listen = () => {
      stream?.close();
      stream = undefined;
      if (document.visibilityState !== "visible") return;
      stream = new EventSource("/console/live");
      stream.onmessage = look;
    };
    listen();
    setInterval(look, 60000);
    setInterval(() => { if (document.querySelector("[data-live=moving]")) look(); }, 3000);
    document.addEventListener("visibilitychange", () => { listen(); look(); });
  }

  for (const form of document.querySelectorAll("[data-search]")) {
    const input = form.querySelector("input[type=search]");
    let wait, asked = 0;
    input.addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(async () => {
        const question = ++asked;
        try {
          // As a form: addresses are written down, and names are nobody's business there.
          const page = await get(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
          // An answer that comes after a later question is of no use.
          if (question === asked) replace(page, "#results");
        } catch { /* The button still works. */ }
      }, 200);
    });
  }

  // Whoever uses a screen reader, or the keyboard, begins with what is wrong.
  document.getElementById("summary")?.focus();
})();
