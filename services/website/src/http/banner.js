// Shows a school's alerts at the top of its own website:
//
//   <script src="https://…/website/banner.js" data-school="sch_…" defer></script>
//
// data-target="#here" puts them into that element instead.
//
// It asks for alerts.json beside itself once a minute, sends no cookie and keeps nothing. Words are
// written as text only; the style is set by script, so that no policy of the page forbids it. When the
// service says that it is cut off from the school, so does the banner. When the service is away, what was
// last known stays until it expires. Nothing here ever throws on the page.
(() => {
  "use strict";
  const MINUTE = 60000;
  const PATIENCE = 10000;
  const STYLE = `
    :host { all: initial; display: block; }
    article { display: block; box-sizing: border-box; padding: 12px max(16px, calc(50% - 560px)); font: 17px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere; background: #0f4a2f; color: #fff; border-bottom: 1px solid #fff; }
    article.closure { background: #7d1810; }
    article.no-contact { background: #5c4000; }
    p { margin: 0; }
    .headline { font-size: 1.25em; line-height: 1.3; font-weight: 700; }
    .label { display: inline-block; margin-inline-end: 4px; padding: 0 8px; border: 1px solid #fff; border-radius: 3px; font-size: 15px; line-height: 1.6; font-weight: 700; }
    .words { white-space: pre-line; margin-top: 4px; }
    .times { margin-top: 4px; font-size: 15px; }
    a { display: inline-block; padding: 2px 0; color: #fff; text-underline-offset: 3px; }
    a:focus-visible { outline: 3px solid #fff; outline-offset: 2px; }
  `;

  const script = document.currentScript || document.querySelector("script[data-school][src*='/website/banner.js']");
  if (!script || !/^sch_[0-9a-f]{32}$/.test(script.dataset.school || "")) {
    console.warn("Schoolbell: banner.js needs data-school with the school's id.");
    return;
  }
  const home = new URL(`${script.dataset.school}/`, new URL(".", script.src));

  let known = null; // the last answer
  let clock = null; // the school's time when it came, and ours
  let written = ""; // what stands on the page
  let places = null; // the live regions
  let expiry = 0;
  let asked = 0;

  /** The school's time now. Of two clocks of ours the one that has gone further is right: one may stop while a computer sleeps. */
  function now() {
    if (!clock) return Date.now();
    return clock.school + Math.max(performance.now() - clock.ticks, Date.now() - clock.real, 0);
  }

  /** From a fresh answer the server's word counts; of an old one only how far the school's clock is from everybody's. */
  function setClock(headers, fresh) {
    const school = Date.parse(headers.get("Schoolbell-Now"));
    if (Number.isNaN(school)) return;
    const said = Date.parse(headers.get("Date"));
    const age = 1000 * (Number(headers.get("Age")) || 0);
    const ahead = Number.isNaN(said) ? 0 : school - said;
    clock = { school: fresh ? school + age : Date.now() + ahead, ticks: performance.now(), real: Date.now() };
  }

  /** The live regions must stand on the page before words come into them, or they are not read out. */
  function prepare() {
    const host = document.createElement("div");
    const root = host.attachShadow({ mode: "open" });
    if ("adoptedStyleSheets" in root && "replaceSync" in CSSStyleSheet.prototype) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    }
    const region = (role, live) => {
      const element = document.createElement("div");
      element.setAttribute("role", role);
      element.setAttribute("aria-live", live);
      root.append(element);
      return element;
    };
    places = { pressing: region("alert", "assertive"), calm: region("status", "polite") };
    const target = script.dataset.target ? document.querySelector(script.dataset.target) : null;
    (target || document.body).prepend(host);
  }

  function element(name, className, text) {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    made.dir = "auto";
    return made;
  }

  function article(className, label, words) {
    const made = document.createElement("article");
    made.className = className;
    const headline = element("p", "headline", "");
    headline.append(element("span", "label", String(label)), " ", element("span", "", String(words)));
    made.append(headline);
    return made;
  }

  function small(text) {
    const made = element("p", "times", text);
    const more = element("a", "", "All school alerts");
    more.href = home.href;
    made.append(more);
    return made;
  }

  function alertArticle(alert) {
    const made = article(alert.kind === "closure" ? "closure" : "other", alert.label, alert.headline);
    if (alert.body) made.append(element("p", "words", String(alert.body)));
    made.append(small(`Shown ${alert.until}. `));
    return made;
  }

  function noContactArticle(noContact) {
    const made = article("no-contact", noContact.label, "We may be missing news");
    made.append(small(`${noContact.words} `));
    return made;
  }

  /** Writes what is known and has not expired; touches nothing when it stands there already, or it would be read out again. */
  function show() {
    const time = now();
    const alerts = (known && known.alerts || []).filter((alert) => Date.parse(alert.expires_at) > time);
    const ends = alerts.map((alert) => Date.parse(alert.expires_at) - time);
    clearTimeout(expiry);
    if (ends.length) expiry = setTimeout(quietly(show), Math.min(Math.min(...ends) + 50, MINUTE));
    const noContact = known && known.no_contact;
    const words = JSON.stringify([alerts, noContact]);
    if (words === written) return;
    if (!places) prepare();
    written = words;
    places.pressing.replaceChildren(...alerts.filter((alert) => alert.pressing).map(alertArticle));
    const calm = alerts.filter((alert) => !alert.pressing).map(alertArticle);
    if (noContact) calm.push(noContactArticle(noContact));
    places.calm.replaceChildren(...calm);
  }

  async function load(cache) {
    const stop = new AbortController();
    const late = setTimeout(() => stop.abort(), PATIENCE);
    try {
      // The browser adds If-None-Match by itself here; set by a script it would need leave in advance (CORS).
      const request = { cache, credentials: "omit", referrerPolicy: "no-referrer", signal: stop.signal };
      const answer = await fetch(new URL("alerts.json", home), request);
      if (!answer.ok) return false;
      const read = await answer.json();
      if (!Array.isArray(read.alerts)) return false;
      known = read;
      setClock(answer.headers, cache === "no-cache");
      return true;
    } catch {
      return false;
    } finally {
      clearTimeout(late);
    }
  }

  async function ask() {
    clearTimeout(asked);
    try {
      // On the first page that is opened while the service is away, what the browser has kept will do.
      if (!await load("no-cache") && !known) await load("force-cache");
      show();
    } finally {
      clearTimeout(asked); // two questions may have been under way
      asked = setTimeout(quietly(ask), MINUTE);
    }
  }

  function quietly(work) {
    return async () => {
      try {
        await work();
      } catch (error) {
        console.warn("Schoolbell: the banner could not be shown.", error);
      }
    };
  }

  const start = quietly(async () => {
    prepare();
    document.addEventListener("visibilitychange", quietly(async () => {
      if (document.visibilityState === "visible") await ask();
    }));
    await ask();
  });
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
})();
