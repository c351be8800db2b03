// Records photos, videos and sound with the camera, the microphone or the screen. The chunks stay in the browser's memory.
"use strict";

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

function named(blob, words, type) {
  const now = new Date();
  const local = new Date(now - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".");
  const ending = type.split("/")[1].replace("jpeg", "jpg");
  return Object.assign(new File([blob], `${words} ${local}.${ending}`, { type }), { isMade: true });
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

  // Begins to record. `tick(seconds)` is called each second; `ended()` when the person ends the sharing of the screen.
  // Returns an empty text, or why the browser cannot record: some have a MediaRecorder that only throws.
  start(tick, ended) {
    const type = typeOf(this.#medium);
    const chunks = [];
    try {
      this.#recorder = new MediaRecorder(this.#stream, { mimeType: type });
      this.#recorder.start(CHUNK_MS);
    } catch ({ message }) {
      return message;
    }
    const began = performance.now();
    this.#recorder.ondataavailable = ({ data }) => chunks.push(data);
    this.#stopped = new Promise((done) => {
      this.#recorder.onstop = () => done([new Blob(chunks, { type }), type]);
    });
    this.#timer = setInterval(() => tick(Math.round((performance.now() - began) / SECOND_MS)), SECOND_MS);
    for (const track of this.#stream.getTracks()) track.onended = () => ended();
    return "";
  }

  // Resolves to the recorded File, whose name begins with `words`.
  async stop(words) {
    clearInterval(this.#timer);
    if (this.#recorder.state !== "inactive") this.#recorder.stop();
    const [blob, type] = await this.#stopped;
    this.close();
    return named(blob, words, type);
  }

  // Resolves to a File with the present picture of the `video` that `show` uses.
  async photo(player, words) {
    const canvas = Object.assign(document.createElement("canvas"), { width: player.videoWidth, height: player.videoHeight });
    canvas.getContext("2d").drawImage(player, 0, 0);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    this.close();
    return named(blob, words, "image/jpeg");
  }

  // Switches the camera, the microphone and the sharing of the screen off.
  close() {
    clearInterval(this.#timer);
    for (const track of this.#stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
  }
}
