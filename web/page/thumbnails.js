// Thumbnails of images and of the first frame of videos, made one at a time so that uploads are not slowed down.
"use strict";

const SIDE = 88; // pixels: 44 CSS pixels on screens with double resolution
const MAX_IMAGE = 40e6; // bytes; decoding a larger image needs too much memory
const GIVE_UP_MS = 4000;
const WAIT_MS = 20;
let line = Promise.resolve();

function draw(target, bitmap) {
  const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const side = Math.min(bitmap.width, bitmap.height);
  const [left, top] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
  canvas.getContext("2d").drawImage(bitmap, left, top, side, side, 0, 0, SIDE, SIDE);
  bitmap.close();
  target.append(canvas);
}

async function image(target, file) {
  if (file.size > MAX_IMAGE) return;
  draw(target, await createImageBitmap(file));
}

function isNothing(bitmap) {
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  pen.drawImage(bitmap, 0, 0, 1, 1);
  return pen.getImageData(0, 0, 1, 1).data[3] === 0;
}

// `loadeddata` may come before the frame is decoded: createImageBitmap then fails, or returns a transparent image.
async function frame(player, tries = GIVE_UP_MS / WAIT_MS) {
  const bitmap = await createImageBitmap(player).catch(() => null);
  if (bitmap && !isNothing(bitmap)) return bitmap;
  bitmap?.close();
  if (!tries) throw new Error("there is no picture");
  await new Promise((done) => setTimeout(done, WAIT_MS));
  return frame(player, tries - 1);
}

async function video(target, file) {
  const src = URL.createObjectURL(file);
  const player = Object.assign(document.createElement("video"), { muted: true, preload: "auto", src });
  try {
    await new Promise((done, fail) => {
      player.onloadeddata = done;
      player.onerror = fail;
      setTimeout(fail, GIVE_UP_MS);
    });
    draw(target, await frame(player));
  } finally {
    URL.revokeObjectURL(src);
    player.removeAttribute("src");
    player.load();
  }
}

const idle = () => new Promise((done) => (window.requestIdleCallback ?? setTimeout)(done, { timeout: 2000 }));

export function show(target, file) {
  line = line.then(async () => {
    await idle();
    if (!target.isConnected || target.firstElementChild) return; // a converted file may have another name
    await (file.type.startsWith("video/") ? video : image)(target, file).catch(() => {}); // the row keeps the file extension
  });
}
