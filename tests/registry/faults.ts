/** Faults of responses as data: which requests a fault applies to, and what it does to the response. */

/** The requests that a fault applies to. All given fields must match. */
export interface FaultMatch {
  /** The path without the query; `*` stands for any characters, as in "*blobs/sha256:*". */
  readonly path: string;
  readonly method?: string;
  /** "other" is the second host; the default is the first one. */
  readonly host?: "main" | "other";
  /** Skips that many matching requests first. */
  readonly after?: number;
  /** Applies to that many matching requests; default: all. */
  readonly times?: number;
}

/** Faults of the content: applied to the whole of it, before a range is selected. */
export type ContentFault =
  /** Flips a bit of the byte at this offset. */
  | { readonly fault: "corrupt"; readonly atByte: number }
  | { readonly fault: "replace"; readonly bytes: Uint8Array | string }
  | { readonly fault: "append"; readonly bytes: Uint8Array | string }
  /** Removes that many bytes at the end. */
  | { readonly fault: "shorten"; readonly byBytes: number };

/** Faults of the response head. */
export type HeadFault =
  | { readonly fault: "status"; readonly status: number; readonly headers?: Headers; readonly body?: string }
  /**
   * Sets headers, or removes them (null); names in lower case. A wrong content-length closes the connection afterwards.
   */
  | { readonly fault: "headers"; readonly set: Headers }
  /** Answers 200 with everything to a range request. */
  | { readonly fault: "ignore-range" }
  /**
   * Redirects to the same path for `hops` times (default: forever), to the same path on the other host, or to any URL.
   * Default status 307.
   */
  | {
    readonly fault: "redirect";
    readonly to: "self" | "other" | string;
    readonly hops?: number;
    readonly status?: number;
  }
  /** Sends a chunked body, without a length. */
  | { readonly fault: "chunked" };

/** Faults of the connection. */
export type ConnectionFault =
  /** Closes the connection after that many bytes of the body. */
  | { readonly fault: "drop"; readonly afterBytes: number }
  /** Closes the connection instead of responding. */
  | { readonly fault: "close" }
  /** Never responds; the connection stays open. */
  | { readonly fault: "hang" }
  | { readonly fault: "delay"; readonly ms: number }
  /** Sends the body at this rate, in pieces of at least one byte. */
  | { readonly fault: "slow"; readonly bytesPerSecond: number }
  /** Sends these bytes instead of an HTTP response, and closes. */
  | { readonly fault: "garbage"; readonly bytes: Uint8Array | string };

type Headers = Readonly<Record<string, string | null>>;

export type Fault = FaultMatch & (ContentFault | HeadFault | ConnectionFault);

/** Counts the matching requests of each fault. */
export class FaultPlan {
  readonly faults: Fault[];
  readonly #seen = new Map<Fault, number>();

  constructor(faults: readonly Fault[]) {
    this.faults = [...faults];
  }

  /** Returns the faults for this request, in the order in which they were added. Counts the request. */
  for(host: "main" | "other", method: string, path: string): Fault[] {
    return this.faults.filter((fault) => {
      if ((fault.host ?? "main") !== host || (fault.method ?? method) !== method) return false;
      if (!pathMatches(fault.path, path)) return false;
      const seen = this.#seen.get(fault) ?? 0;
      this.#seen.set(fault, seen + 1);
      const first = fault.after ?? 0;
      return seen >= first && seen < first + (fault.times ?? Infinity);
    });
  }
}

/** Reports whether the whole path matches a pattern in which `*` stands for any characters. */
export function pathMatches(pattern: string, path: string): boolean {
  const escaped = pattern.split("*").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${escaped.join(".*")}$`, "s").test(path);
}
