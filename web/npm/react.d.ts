import type { ForwardRefExoticComponent, HTMLAttributes, RefAttributes } from "react";
import type { Level, OssFerry as Element, OssFerryOptions, Progress, Upload, UploadError } from "./embed.js";

export interface OssFerryProps
  extends OssFerryOptions,
    Omit<HTMLAttributes<Element>, keyof OssFerryOptions | "onProgress" | "onError"> {
  onReady?: (detail: { level: Level }) => void;
  onProgress?: (detail: Progress) => void;
  onUpload?: (detail: Upload) => void;
  onRemoved?: (detail: { keys: string[] }) => void;
  onDone?: (detail: Progress) => void;
  onError?: (detail: UploadError) => void;
}

/** The uploader as a component. Its ref is the element, with the methods `start`, `pause`, `clear` and others. */
export const OssFerry: ForwardRefExoticComponent<OssFerryProps & RefAttributes<Element>>;
