/** What was done to a disk below one folder. Files and folders have numbers; 0 is the folder itself. */
export type Operation =
  | { readonly kind: "make"; readonly node: number; readonly type: "file" | "folder"; readonly at: Place }
  | { readonly kind: "link"; readonly node: number; readonly at: Place }
  | { readonly kind: "unlink"; readonly at: Place }
  | { readonly kind: "rename"; readonly node: number; readonly from: Place; readonly to: Place }
  | { readonly kind: "write"; readonly file: number; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: "resize"; readonly file: number; readonly size: number }
  | { readonly kind: "flush"; readonly node: number };

/** A name in a folder. */
export interface Place {
  readonly folder: number;
  readonly name: string;
}
