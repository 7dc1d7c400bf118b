// Shows every person's texts and mails as they arrive. All words come in through textContent; the server is asked once for
// the people and every second for messages after the last one seen.
"use strict";

const PAUSE = 1000;
const STRANGERS = { name: "Other addresses", about: "not in the school’s roster", addresses: [] };

const at = (id) => document.getElementById(id);
const phones = [];
const ringing = new Set();
const byAddress = new Map();
const counts = { texts: 0, mails: 0, failed: 0 };
let last = 0;
let strangers = null;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined && text !== null) made.textContent = text;
  return made;
}

function initials(name) {
  if (name === STRANGERS.name) return "?";
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word) && !/^(mrs?|ms|miss|mx|dr)\.?$/i.test(word));
  const ends = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return ends.map((word) => word[0].toUpperCase()).join("") || "?";
}

function addPerson(person) {
  const phone = { person, messages: [], card: null, screen: null, quiet: null, words: searchable(person) };
  phones.push(phone);
  for (const address of person.addresses) {
    byAddress.set(address.key, [...(byAddress.get(address.key) || []), phone]);
  }
  phone.quiet = element("li");
  phone.quiet.append(element("p", "name", person.name), element("p", "about", person.about));
  return phone;
}

function searchable(person) {
  const addresses = person.addresses.flatMap((address) => [address.written, address.key, address.key.replace(/^\+44/, "0")]);
  return [person.name, person.about, ...addresses].join("\n").toLowerCase();
}

function openPhone(phone) {
  const card = element("article", "phone");
  const heading = element("h3", "", phone.person.name);
  heading.id = `phone-${phones.indexOf(phone)}`;
  card.setAttribute("aria-labelledby", heading.id);
  const header = element("header");
  const face = element("span", "face", initials(phone.person.name));
  face.setAttribute("aria-hidden", "true");
  header.append(face, heading, element("p", "about", phone.person.about));
  const addresses = element("ul", "addresses");
  for (const address of phone.person.addresses) addresses.append(element("li", "", address.written));
  const screen = element("ol", "screen");
  screen.tabIndex = 0;
  screen.setAttribute("role", "list");
  screen.setAttribute("aria-label", `Messages of ${phone.person.name}, newest first`);
  card.append(header);
  if (phone.person.addresses.length > 0) card.append(addresses);
  card.append(screen);
  phone.card = card;
  phone.screen = screen;
  phone.quiet.remove();
}

function bubble(message, phone) {
  const item = element("li", `message fresh ${message.kind}`);
  const words = element("p", "words", message.body);
  if (message.kind === "mail") {
    const letter = element("div", "letter");
    letter.append(element("p", "from", message.from), element("p", "subject", message.subject || "(no subject)"), words);
    item.append(letter);
  } else {
    item.append(words);
  }
  const about = [message.kind === "mail" ? "E-mail" : "Text", message.at];
  if (phone === strangers || phone.person.addresses.length > 1) about.push(`to ${spelt(message.to, phone)}`);
  if (message.will === "fail") {
    item.classList.add("failed");
    about.unshift("Not delivered");
  }
  item.append(element("p", "meta", about.join(" · ")));
  return item;
}

function spelt(key, phone) {
  const known = phone.person.addresses.find((address) => address.key === key);
  return (known ? known.written : key).replaceAll(" ", "\u00a0");
}

function arrive(message) {
  last = message.seq;
  if (message.will === "fail") counts.failed += 1;
  else if (message.kind === "mail") counts.mails += 1;
  else counts.texts += 1;
  const owners = byAddress.get(message.to) || [strangers || (strangers = addPerson(STRANGERS))];
  for (const phone of owners) {
    if (!phone.card) openPhone(phone);
    phone.messages.push(message);
    phone.words += `\n${message.to}\n${message.subject || ""}\n${message.body}`.toLowerCase();
    phone.screen.prepend(bubble(message, phone));
    phone.card.classList.remove("rang");
    // Moving a card would take the keyboard's focus out of it.
    if (!phone.card.contains(document.activeElement)) at("heard").prepend(phone.card);
    ringing.add(phone);
  }
}

// Once for all that came together: scrolling asks for a layout, and thousands of those take minutes.
function ring() {
  for (const phone of ringing) {
    phone.screen.scrollTop = 0;
    requestAnimationFrame(() => phone.card.classList.add("rang"));
  }
  ringing.clear();
}

function filter() {
  const wanted = at("search").value.trim().toLowerCase();
  const digits = wanted.replace(/[\s()-]/g, "");
  let heard = 0;
  let quiet = 0;
  for (const phone of phones) {
    const shown = !wanted || phone.words.includes(wanted) || (/^\+?\d+$/.test(digits) && phone.words.includes(digits));
    (phone.card || phone.quiet).hidden = !shown;
    if (shown && phone.card) heard += 1;
    if (shown && !phone.card) quiet += 1;
  }
  at("heard-count").textContent = heard ? `(${heard})` : "";
  at("quiet-count").textContent = `(${quiet})`;
  at("quiet-section").hidden = quiet === 0;
  const anyone = phones.some((phone) => phone.card);
  at("none").hidden = heard > 0;
  at("none").textContent = anyone
    ? "Nobody who got a message fits this search."
    : "No message yet. When the school sends one, it appears here within a second.";
}

function count() {
  at("texts").textContent = counts.texts;
  at("mails").textContent = counts.mails;
  at("failed").textContent = counts.failed;
  at("reached").textContent = phones.filter((phone) => phone.messages.some((message) => message.will !== "fail")).length;
}

function status(text, lost) {
  const line = at("status");
  line.classList.toggle("lost", lost);
  if (line.textContent !== text) line.textContent = text;
}

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function poll() {
  let arrived = 0;
  try {
    let page;
    do {
      page = await ask(`/messages.json?after=${last}`);
      page.messages.forEach(arrive);
      arrived += page.messages.length;
    } while (page.more);
    status("Live: new messages appear by themselves, newest first.", false);
  } catch {
    status("The simulator cannot be reached. Trying again every second.", true);
  }
  if (arrived > 0) {
    ring();
    count();
    filter();
    at("announce").textContent = arrived === 1 ? "One new message" : `${arrived} new messages`;
  }
  setTimeout(poll, PAUSE);
}

async function begin() {
  try {
    const world = await ask("/people.json");
    at("school").textContent = `${world.school} · simulated: nothing here leaves this computer`;
    for (const person of world.people) at("quiet").append(addPerson(person).quiet);
  } catch {
    status("The simulator cannot be reached. Trying again every second.", true);
    setTimeout(begin, PAUSE);
    return;
  }
  filter();
  poll();
}

at("search").addEventListener("input", filter);
at("search-form").addEventListener("submit", (event) => event.preventDefault());
begin();
