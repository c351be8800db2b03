import { OssFerry } from "ossferry/react";
import type { Progress, Upload } from "ossferry";
import { type FormEvent, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

const SERVER = import.meta.env.VITE_SERVER ?? "http://127.0.0.1:8000";

function RepairOrder() {
  const [photos, setPhotos] = useState<Upload[]>([]);
  const [progress, setProgress] = useState<Progress>();
  const [sent, setSent] = useState("");

  function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault(); // your server gets the same fields: device, and one `photos` for each file
    setSent(new FormData(event.currentTarget).getAll("photos").join(", "));
  }

  return (
    <form onSubmit={send}>
      <h1>Repair order</h1>
      <label>
        Device <input name="device" defaultValue="Bicycle" />
      </label>
      <OssFerry
        server={SERVER}
        name="photos"
        label="Photos of the damage"
        required
        accept={["image/*"]}
        maxFiles={5}
        folder="orders/42"
        reference="order 42"
        metadata={{ shop: "Hamburg" }}
        onProgress={setProgress}
        onUpload={(photo) => setPhotos((before) => [...before, photo])}
        onRemoved={({ keys }) => setPhotos((before) => before.filter((photo) => !keys.includes(photo.key)))}
      />
      <button disabled={Boolean(progress?.running)}>Send order, photos: {photos.length}</button>
      {sent && <output>Sent: {sent}</output>}
    </form>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <RepairOrder />
  </StrictMode>,
);
