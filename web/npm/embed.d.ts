/** What the site learns from the uploader, and may do with it: `OSSFERRY_FRAME_ORIGINS` at the server. */
export type Level = "counts" | "results" | "none";

/** Numbers of files, and bytes. */
export interface Progress {
  files: number;
  done: number;
  failed: number;
  running: number;
  /** Bytes. */
  sent: number;
  /** Bytes. */
  size: number;
}

/** A stored file. */
export interface Upload {
  name: string;
  /** The folders of the file, such as `a/b`. */
  path: string;
  /** The key of the object. */
  key: string;
  /** The address of the object. Only readers with permission can open it. */
  url: string;
  /** Bytes. */
  size: number;
  /** The content type. */
  type: string;
  /** Decimal; it does not fit into a `number`. */
  crc64: string;
  /** The id of the request that stored the object, for the support of OSS. */
  requestId: string;
  /** Whether the file was stored before, so that nothing was sent. */
  identical: boolean;
  metadata: Record<string, string>;
}

/** A failed upload has a `name`; an error of the whole uploader has none. */
export interface UploadError {
  code: string;
  message: string;
  name?: string;
  path?: string;
  size?: number;
  requestId?: string;
}

export type GetToken = () => string | Promise<string>;

export interface OssFerryEventMap {
  ready: CustomEvent<{ level: Level }>;
  progress: CustomEvent<Progress>;
  upload: CustomEvent<Upload>;
  removed: CustomEvent<{ keys: string[] }>;
  done: CustomEvent<Progress>;
  error: CustomEvent<UploadError>;
}

/** The element `<oss-ferry>`. */
export class OssFerry extends HTMLElement {
  /** Returns the token that identifies the person; called before each request to the upload server. */
  getToken: GetToken | null;
  /** The name of the form field. */
  name: string;
  /** The stored files in the list. */
  readonly uploads: Upload[];
  /** The keys of the stored files in the list. */
  readonly value: string[];
  readonly type: "oss-ferry";
  readonly form: HTMLFormElement | null;
  readonly labels: NodeList;
  readonly validity: ValidityState;
  readonly validationMessage: string;
  readonly willValidate: boolean;

  /** Adds files, as if a person had chosen them. Throws a TypeError for anything but `File` objects. */
  addFiles(files: Iterable<File>): void;
  /** Starts files that wait because of `manual`, and continues paused uploads. */
  start(): void;
  pause(): void;
  /** Starts failed uploads again. */
  retry(): void;
  /** Cancels the uploads that have not ended, and empties the list. The objects remain in OSS. */
  clear(): void;
  /** Sends options and colours to the page again, after a change of a style sheet. */
  refresh(): void;
  checkValidity(): boolean;
  reportValidity(): boolean;

  addEventListener<K extends keyof OssFerryEventMap>(
    type: K,
    listener: (event: OssFerryEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

/** The properties of the components for React and Vue; docs/embedding.md describes the attributes. */
export interface OssFerryOptions {
  /** The address of the upload server. */
  server: string;
  label?: string;
  lang?: "en" | "ja" | "zh-CN" | "zh-TW" | "ar";
  theme?: "light" | "dark";
  name?: string;
  required?: boolean;
  disabled?: boolean;
  /** Allowed types, such as `["image/*", ".csv"]`. */
  accept?: string[];
  /** Of cropped pictures, such as `"4:3"`. */
  cropRatio?: string;
  maxFiles?: number;
  /** Bytes. */
  maxFileSize?: number;
  /** Bytes. */
  maxTotalSize?: number;
  minFiles?: number;
  /** Bytes. */
  minFileSize?: number;
  folder?: string;
  metadata?: Record<string, string>;
  reference?: string;
  tags?: Record<string, string>;
  storageClass?: "Standard" | "IA" | "Archive" | "ColdArchive" | "DeepColdArchive";
  sameName?: "keep-both" | "refuse" | "replace";
  manual?: boolean;
  sha256?: boolean;
  getToken?: GetToken | null;
}

declare global {
  interface HTMLElementTagNameMap {
    "oss-ferry": OssFerry;
  }
}
