// Records photos, videos and sound with the camera, the microphone or the screen. IndexedDB keeps each chunk at once, so that
// a later page can restore the recording of a page that was closed.
"use strict";

import { entriesFrom, write } from "../storage/indexed_db.js";

const KEPT = "ossferry-recording/"; // before the id of a recording, for its record; chunks have a number after the id
const MOST_AGE_S = 30 * 86_400; // as in records.js
const CHUNK_MS = 1000;
const SECOND_MS = 1000;
const PICTURE_MS = 3000;
const QUALITY = 0.92;
// WebKit's OverconstrainedError is that of a computer without a device.
const REFUSALS = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "none", OverconstrainedError: "none" };
const TYPES = {
  audio: ["audio/webm", "audio/mp4", "audio/ogg"],
  video: ["video/webm", "video/mp4"],
};

const typeOf = (medium) => TYPES[medium].find((each) => self.MediaRecorder?.isTypeSupported(each));
const mediumOf = (kind) => (kind === "sound" ? "audio" : "video");

// Returns whether this browser can record what `OSSFERRY_RECORD` names.
export const can = (kind) => Boolean(typeOf(mediumOf(kind)) && navigator.mediaDevices?.[kind === "screen" ? "getDisplayMedia" : "getUserMedia"]);

function nameNow(words, type) {
  const now = new Date();
  const local = new Date(now - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".");
  return `${words} ${local}.${type.split("/")[1].replace("jpeg", "jpg")}`;
}

// Returns a File that a later page can open too: records.js stores it where it stores the handles of other files.
function lasting(chunks, { name, modified }) {
  const file = new File(chunks, name, { type: chunks[0]?.type.split(";")[0], lastModified: modified });
  return Object.assign(file, { handle: file });
}

const entriesOf = async (id) => (await entriesFrom(KEPT + id)).filter(([name]) => name.length > KEPT.length + id.length);

// Stores the record of a recording, as text.
export const note = (id, text) => write([[KEPT + id, text]], []);

// Deletes a recording. Its own page must not store chunks any more.
export const forget = async (id) => write([], [KEPT + id, ...(await entriesOf(id)).map(([name]) => name)]);

// Returns the stored recordings of a person, as JSON of [[id, record, size in bytes]].
export async function kept(owner) {
  const entries = await entriesFrom(KEPT);
  const all = entries.filter(([, value]) => typeof value === "string");
  const old = ([, text]) => JSON.parse(text).saved_at_s < Date.now() / 1000 - MOST_AGE_S;
  for (const [key] of all.filter(old)) await forget(key.slice(KEPT.length));
  const records = all.filter((entry) => JSON.parse(entry[1]).owner === owner && !old(entry));
  return JSON.stringify(
    records.map(([key, text]) => {
      const chunks = entries.filter(([name]) => name.startsWith(`${key}/`));
      return [key.slice(KEPT.length), text, chunks.reduce((size, [, chunk]) => size + chunk.size, 0)];
    }),
  );
}

// Returns a stored recording as a File with the name and the time in its record.
export async function restore(id, text) {
  return lasting((await entriesOf(id)).map(([, chunk]) => chunk), JSON.parse(text));
}

// kind: "camera", "sound" or "screen"; withSound: whether camera and screen are recorded with sound. Asks for permission.
// Rejects with "denied", "none" if there is no such device, or the browser's error.
export async function open(kind, withSound) {
  const devices = navigator.mediaDevices;
  const wanted = { video: kind !== "sound", audio: kind === "sound" || withSound };
  const asking = kind === "screen" ? devices.getDisplayMedia(wanted) : devices.getUserMedia(wanted);
  const stream = await asking.catch(({ name, message }) => {
    throw new Error(REFUSALS[name] ?? message);
  });
  return new Recording(stream, mediumOf(kind));
}

class Recording {
  #stream;
  #medium;
  #recorder;
  #reader; // the controller of the stream `chunks`
  #chunks = [];
  #kept = []; // promises
  #stopped;
  #timer;

  constructor(stream, medium) {
    this.#stream = stream;
    this.#medium = medium;
  }

  // Shows the live picture in an element `video`. Resolves to whether there is a picture: WebKitGTK shows none without a graphics card.
  async show(player) {
    player.srcObject = this.#stream;
    await new Promise((done) => {
      player.onloadeddata = done;
      setTimeout(done, PICTURE_MS);
    });
    return player.videoWidth > 0;
  }

  // Begins to record. `tick(seconds)` is called each second; `ended(isFull)` when the person ends the sharing of the screen,
  // or before the recording has more than `most` bytes. The name begins with `words`.
  // Returns an empty text, or why the browser cannot record: some have a MediaRecorder that only throws.
  start(id, words, most, tick, ended) {
    const type = typeOf(this.#medium);
    try {
      this.#recorder = new MediaRecorder(this.#stream, { mimeType: type });
      this.#recorder.start(CHUNK_MS);
    } catch ({ message }) {
      return message;
    }
    Object.assign(this, { name: nameNow(words, type), type, modified: Date.now() });
    this.chunks = new ReadableStream({ start: (reader) => (this.#reader = reader) });
    let size = 0;
    this.#recorder.ondataavailable = ({ data }) => {
      if (!data.size) return;
      size += data.size;
      this.#chunks.push(data);
      this.#reader.enqueue(data);
      const number = String(this.#chunks.length).padStart(9, "0");
      // If the storage is full, the recording goes on, but does not survive its page.
      this.#kept.push(write([[`${KEPT}${id}/${number}`, data]], []).catch(console.warn));
      if (size + 2 * data.size > most) ended(true);
    };
    this.#stopped = new Promise((done) => (this.#recorder.onstop = done));
    const began = performance.now();
    this.#timer = setInterval(() => tick(Math.round((performance.now() - began) / SECOND_MS)), SECOND_MS);
    for (const track of this.#stream.getTracks()) track.onended = () => ended(false);
    return "";
  }

  // Resolves to the recorded File.
  async stop() {
    clearInterval(this.#timer);
    if (this.#recorder.state !== "inactive") this.#recorder.stop();
    await this.#stopped;
    this.close();
    await Promise.all(this.#kept);
    return lasting(this.#chunks, this);
  }

  // Ends the stream `chunks`, because the person uses the recording.
  end() {
    this.#reader.close();
  }

  // Resolves to a File with the present picture of the `video` that `show` uses.
  async photo(player, words) {
    const canvas = Object.assign(document.createElement("canvas"), { width: player.videoWidth, height: player.videoHeight });
    canvas.getContext("2d").drawImage(player, 0, 0);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    this.close();
    return Object.assign(new File([blob], nameNow(words, "image/jpeg"), { type: "image/jpeg" }), { isMade: true });
  }

  // Switches the camera, the microphone and the sharing of the screen off.
  close() {
    clearInterval(this.#timer);
    if (this.#recorder) this.#recorder.ondataavailable = null;
    for (const track of this.#stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
  }
}
