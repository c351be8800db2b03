import type { DefineComponent, ShallowRef } from "vue";
import type { Level, OssFerry as Element, OssFerryOptions, Progress, Upload, UploadError } from "./embed.js";

type Exposed = Pick<
  Element,
  "addFiles" | "start" | "pause" | "retry" | "clear" | "refresh" | "checkValidity" | "reportValidity"
> & { element: ShallowRef<Element | null> };

/** The uploader as a component. `v-model` is the list of the keys of the stored files. */
export const OssFerry: DefineComponent<
  OssFerryOptions & { modelValue?: string[] },
  Exposed,
  {},
  {},
  {},
  {},
  {},
  {
    ready: (detail: { level: Level }) => void;
    progress: (detail: Progress) => void;
    upload: (detail: Upload) => void;
    removed: (detail: { keys: string[] }) => void;
    done: (detail: Progress) => void;
    error: (detail: UploadError) => void;
    "update:modelValue": (keys: string[]) => void;
  }
>;
