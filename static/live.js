// Follows the server's event log for every page: each event after <body data-event-id> once and in order, as
// "trainyard:<kind>" on document; "trainyard:progress" has no id, only its newest counts.
//
// A browser allows six connections to a host, so the windows of one browser share a stream: the one that holds the lock
// (the leader) reads it and passes it on through a BroadcastChannel. Each window keeps the newest events in a ring: from
// the leader's ring a window that joins is told what it missed. A hidden window leaves, and catches up when shown; while
// somebody waits to be told that an experiment ended (tell.js), it stays.
import { isWaiting } from "./tell.js";

const RING_SIZE = 1000;
const ANSWER_MS = 1000; // a leader that does not answer by then is frozen: read a stream of one's own
const SILENCE_MS = 1500; // offline for this long before the page says so: a restart of the server is no news

const { eventsUrl } = document.body.dataset;
const me = crypto.randomUUID?.() ?? String(Math.random()); // randomUUID needs https or this machine
let lastId = Number(document.body.dataset.eventId); // of the newest event this page shows
let ringStart = lastId; // the ring holds every event after this id
const ring = [];
let channel = null;
let stream = null;
let streamId = lastId; // of the newest event the stream gave
let releaseLock = null;
let joining = null; // messages that came before the leader's answer
let answerTimer, offlineTimer;

/** The events after `id` that were dispatched already, oldest first; null where that is too long ago to know. */
export const eventsAfter = (id) => (id < ringStart ? null : ring.filter((message) => message.id > id));

const dispatch = (message) =>
  document.dispatchEvent(new CustomEvent(`trainyard:${message.kind}`, { detail: { ...message.detail, eventId: message.id } }));

function deliver(message) {
  if (message.id !== null) {
    if (message.id <= lastId) return;
    lastId = message.id;
    ring.push(message);
    if (ring.length > RING_SIZE) ringStart = ring.shift().id;
  }
  dispatch(message);
}

function setConnection(live) {
  if (!live) {
    offlineTimer ??= setTimeout(() => (document.body.dataset.connection = "offline"), SILENCE_MS);
    return;
  }
  clearTimeout(offlineTimer);
  offlineTimer = undefined;
  document.body.dataset.connection = "live";
}

// --- the one who reads the stream ---

function openStream(after) {
  stream?.close();
  streamId = after;
  stream = new EventSource(`${eventsUrl}?after=${after}`);
  stream.addEventListener("open", () => connectionIs(true));
  stream.addEventListener("error", () => {
    connectionIs(false);
    if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again, with the last id it saw
    const closed = stream;
    setTimeout(() => stream === closed && openStream(streamId), 2000);
  });
  for (const kind of ["state", "changed", "epoch", "deleted", "purged", "experiment", "queue", "worker", "dataset", "progress"]) {
    stream.addEventListener(kind, (event) => {
      // lastEventId stays that of the event before where a message has none
      const id = kind === "progress" ? null : (streamId = Number(event.lastEventId));
      passOn({ kind, id, detail: JSON.parse(event.data) });
    });
  }
  stream.addEventListener("reset", () => {
    tellOthers({ type: "reset" });
    location.reload();
  });
}

function tellOthers(what) {
  if (releaseLock) channel.postMessage(what); // only the leader's word has no gaps
}

function passOn(message) {
  tellOthers({ type: "message", message });
  deliver(message);
}

function connectionIs(live) {
  tellOthers({ type: "connection", live });
  setConnection(live);
}

function answer({ from, after }) {
  const missed = eventsAfter(after);
  const live = stream.readyState === EventSource.OPEN;
  tellOthers({ type: "answer", to: from, missed, live });
  if (!missed) openStream(after); // read from there again; windows that had it pass it by
}

function lead() {
  clearTimeout(answerTimer);
  joining = null;
  const untilReleased = new Promise((resolve) => (releaseLock = resolve));
  openStream(lastId);
  tellOthers({ type: "leading" });
  return untilReleased;
}

// --- those who listen to it ---

function ask() {
  joining = [];
  channel.postMessage({ type: "ask", from: me, after: lastId });
  clearTimeout(answerTimer);
  answerTimer = setTimeout(() => {
    joining = null;
    openStream(lastId);
  }, ANSWER_MS);
}

function hear({ data }) {
  if (releaseLock) {
    if (data.type === "ask") answer(data);
  } else if (data.type === "leading") {
    stream?.close();
    stream = null;
    ask();
  } else if (data.type === "reset") location.reload();
  else if (stream) return; // one's own
  else if (data.type === "connection") setConnection(data.live);
  else if (data.type === "message") joining ? joining.push(data.message) : deliver(data.message);
  else if (data.type === "answer" && data.to === me && joining) {
    clearTimeout(answerTimer);
    // without `missed` the leader reads anew from where we are, and what came meanwhile comes again
    const known = data.missed ? [...data.missed, ...joining] : [];
    joining = null;
    known.forEach(deliver);
    setConnection(data.live);
  }
}

// --- coming and going ---

let leave = null; // while connected: what ends it
const isIdle = () => document.hidden && !isWaiting();
const follow = () => (isIdle() ? disconnect() : connect());

function connect() {
  if (leave || isIdle()) return;
  if (!navigator.locks || !window.BroadcastChannel) {
    leave = () => {};
    return openStream(lastId);
  }
  const waiting = new AbortController();
  leave = () => waiting.abort();
  channel = new BroadcastChannel("trainyard");
  channel.addEventListener("message", hear);
  ask(); // nobody answers the first window, which is given the lock at once
  navigator.locks
    .request("trainyard", { signal: waiting.signal }, () => (waiting.signal.aborted ? null : lead()))
    .catch((error) => {
      if (error.name !== "AbortError") throw error;
    });
}

function disconnect() {
  clearTimeout(answerTimer);
  clearTimeout(offlineTimer);
  offlineTimer = undefined;
  leave?.();
  leave = null;
  stream?.close();
  stream = null;
  releaseLock?.();
  releaseLock = null;
  joining = null;
  channel?.close();
  channel = null;
}

if (eventsUrl) {
  document.addEventListener("visibilitychange", follow);
  document.addEventListener("trainyard-awaited", () => setTimeout(follow)); // after the event that ended the waiting
  window.addEventListener("storage", follow); // another window's
  window.addEventListener("pagehide", disconnect);
  window.addEventListener("pageshow", connect);
  document.addEventListener("DOMContentLoaded", connect); // all of the page's scripts listen by then: none misses an event
}
