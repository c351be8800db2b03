// Rotates and crops pictures with the canvas. A JPEG that is only rotated keeps its compressed data: its EXIF metadata
// gets another orientation.
"use strict";

const QUALITY = 0.92;
const HEAD = 1 << 18; // bytes that contain the EXIF metadata, and say whether a picture is animated
const SHOWN = 1200; // pixels of the longer side in the dialog
const ORIENTATION = 0x0112;
const SHORT = 3;
const ENTRY = 12; // bytes of a tag
const MAX_SEGMENT = 0xffff;
const TURNED = [0, 6, 7, 8, 5, 2, 3, 4, 1]; // the orientation after a quarter turn to the right, by the one before
const AXES = [[1, 0], [0, 1], [-1, 0], [0, -1]]; // cosine and sine, exact, so that no pixel is interpolated
// prettier-ignore
const ONLY_ORIENTATION = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, SHORT, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0];

const head = async (file) => new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
const text = (bytes, start, end) => String.fromCharCode(...bytes.subarray(start, end));

// Draws a picture after quarter turns to the right, from the pixel (x, y) of the turned picture.
function draw(canvas, picture, turns, scale = 1, x = 0, y = 0) {
  const pen = canvas.getContext("2d");
  const [cos, sin] = AXES[turns];
  const [width, height] = turns % 2 ? [picture.height, picture.width] : [picture.width, picture.height];
  pen.setTransform(scale, 0, 0, scale, -x, -y);
  pen.transform(cos, sin, -sin, cos, width / 2, height / 2);
  pen.drawImage(picture, -picture.width / 2, -picture.height / 2);
}

const sized = (width, height) => Object.assign(document.createElement("canvas"), { width, height });

async function encoded(canvas, type) {
  const blob = await new Promise((done) => canvas.toBlob(done, type, QUALITY));
  if (blob?.type !== type) throw new TypeError(`this browser cannot write ${type}`);
  return blob;
}

// Returns TIFF metadata with the orientation after some quarter turns.
function withTurns(tiff, turns) {
  const little = tiff[0] === 0x49;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  const directory = view.getUint32(4, little);
  const count = view.getUint16(directory, little);
  const [first, end] = [directory + 2, directory + 2 + count * ENTRY];
  let place = first; // of a new tag, as tags are in ascending order
  for (let at = first; at < end; at += ENTRY) {
    const tag = view.getUint16(at, little);
    if (tag < ORIENTATION) place = at + ENTRY;
    if (tag !== ORIENTATION) continue;
    let orientation = view.getUint16(at + 8, little);
    for (let turn = 0; turn < turns; turn++) orientation = TURNED[orientation] || TURNED[1];
    view.setUint16(at + 8, orientation, little);
    return tiff;
  }
  const made = new Uint8Array(tiff.length + (tiff.length % 2) + 2 + (count + 1) * ENTRY + 4);
  const start = made.length - 2 - (count + 1) * ENTRY - 4;
  made.set(tiff);
  made.set(tiff.subarray(first, place), start + 2);
  made.set(tiff.subarray(place, end + 4), start + 2 + place - first + ENTRY);
  const writer = new DataView(made.buffer);
  writer.setUint32(4, start, little);
  writer.setUint16(start, count + 1, little);
  [ORIENTATION, SHORT].forEach((value, index) => writer.setUint16(start + 2 + place - first + 2 * index, value, little));
  writer.setUint32(start + 2 + place - first + 4, 1, little);
  writer.setUint16(start + 2 + place - first + 8, 1, little);
  return withTurns(made, turns);
}

// Returns a JPEG file with another EXIF orientation; `null` if its metadata is broken or too large.
async function turned(file, turns) {
  const bytes = await head(file);
  const view = new DataView(bytes.buffer);
  if (view.getUint16(0) !== 0xffd8) return null;
  let [start, end, tiff] = [2, 2, new Uint8Array(ONLY_ORIENTATION)];
  for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
    const next = at + 2 + view.getUint16(at + 2);
    const marker = view.getUint16(at);
    if (marker === 0xffe0 && at === 2) start = end = next; // JFIF comes first
    else if (marker === 0xffe1 && text(bytes, at + 4, at + 10) === "Exif\0\0") {
      [start, end, tiff] = [at, next, bytes.slice(at + 10, next)];
      break;
    } else if (marker < 0xffe0 || marker === 0xffff) break; // no metadata follows
  }
  const made = withTurns(tiff, turns);
  const size = made.length + 8;
  if (size > MAX_SEGMENT) return null;
  const lead = new Uint8Array([0xff, 0xe1, size >> 8, size & 0xff, 0x45, 0x78, 0x69, 0x66, 0, 0]);
  return new Blob([file.slice(0, start), lead, made, file.slice(end)], { type: file.type });
}

async function isAnimated(file) {
  const bytes = await head(file);
  const start = new TextDecoder("latin1").decode(bytes);
  if (start.startsWith("PNG", 1)) return start.split("IDAT")[0].includes("acTL");
  return start.startsWith("RIFF") && start.startsWith("VP8X", 12) && (bytes[20] & 2) > 0;
}

// Returns the picture for the dialog. Rejects if this browser cannot show or write it, or if it is animated.
export async function open(file) {
  if (await isAnimated(file)) throw new TypeError("the picture is animated");
  await encoded(sized(1, 1), file.type);
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  const scale = Math.min(1, SHOWN / Math.max(width, height));
  const small = sized(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  draw(small, bitmap, 0, scale);
  bitmap.close();
  return {
    width,
    height,
    draw: (canvas, turns) => {
      [canvas.width, canvas.height] = turns % 2 ? [small.height, small.width] : [small.width, small.height];
      draw(canvas, small, turns);
    },
  };
}

// `edit`: JSON of [turns, x, y, width, height], see `transfer/ports.py`.
export async function edited(file, edit) {
  const [turns, x, y, width, height] = JSON.parse(edit);
  if (!width && file.type === "image/jpeg") {
    const blob = await turned(file, turns).catch((error) => {
      if (!(error instanceof RangeError)) throw error; // else an offset of the metadata is wrong: encode the picture
    });
    if (blob) return blob;
  }
  const bitmap = await createImageBitmap(file);
  const [wide, high] = turns % 2 ? [bitmap.height, bitmap.width] : [bitmap.width, bitmap.height];
  const canvas = sized(width || wide, height || high);
  draw(canvas, bitmap, turns, 1, x, y);
  bitmap.close();
  return encoded(canvas, file.type);
}
