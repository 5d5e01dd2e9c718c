/**
 * @module
 * The hashers of one layer. Another thread can take them over in the middle of their streams and give them back. Used
 * when one thread would decompress, write and hash while another is idle.
 */
import type { HashState } from "./multi_buffer.ts";
import type { Hasher } from "./mod.ts";
import type { HashRing } from "./ring.ts";

type Suspendable = Hasher & Required<Pick<Hasher, "suspend">>;

/**
 * The hashers of one layer, which another thread can take over and give back. Dispose of it: the other thread may wait
 * for more data.
 */
export class TransferableHashers implements Disposable {
  readonly #create: () => Promise<Hasher>;
  readonly #open = new Set<TransferableHasher>();
  readonly #free: HashRing[] = [];

  /** @param create creates a hasher; those that can't be suspended always stay in this thread */
  constructor(create: () => Promise<Hasher>) {
    this.#create = create;
  }

  /** Creates a new, independent hasher. */
  readonly createHasher = async (): Promise<Hasher> => {
    const local = await this.#create();
    if (!isSuspendable(local)) return local;
    const { wasmSha256 } = await import("./wasm.ts");
    const hasher = new TransferableHasher(local, wasmSha256, () => this.#open.delete(hasher));
    this.#open.add(hasher);
    const ring = this.#free.shift();
    if (ring !== undefined) hasher.moveTo(ring);
    return hasher;
  };

  /** Moves hashing to another thread, as many streams as there are rings, oldest first. */
  assign(rings: readonly HashRing[]): void {
    this.#free.push(...rings);
    for (const hasher of this.#open) {
      if (!hasher.isMoved && this.#free.length > 0) hasher.moveTo(this.#free.shift()!);
    }
  }

  /** Moves hashing back to this thread. @throws {TsdError} internal if the other thread is lost */
  reclaim(): void {
    for (const ring of this.#free.splice(0)) ring.abandon();
    for (const hasher of this.#open) hasher.moveBack();
  }

  [Symbol.dispose](): void {
    for (const ring of this.#free.splice(0)) ring.abandon();
    for (const hasher of this.#open) hasher.abandon();
  }
}

const isSuspendable = (hasher: Hasher): hasher is Suspendable => hasher.suspend !== undefined;

class TransferableHasher implements Hasher {
  #local: Suspendable | undefined;
  #ring: HashRing | undefined;
  readonly #resume: (state: HashState) => Suspendable;
  readonly #onEnd: () => void;

  constructor(local: Suspendable, resume: (state: HashState) => Suspendable, onEnd: () => void) {
    this.#local = local;
    this.#resume = resume;
    this.#onEnd = onEnd;
  }

  get isMoved(): boolean {
    return this.#ring !== undefined;
  }

  update(bytes: Uint8Array): void {
    (this.#ring ?? this.#local!).update(bytes);
  }

  digestHex(): string {
    this.moveBack();
    this.#onEnd();
    return this.#local!.digestHex();
  }

  moveTo(ring: HashRing): void {
    ring.begin(this.#local!.suspend());
    this.#local = undefined;
    this.#ring = ring;
  }

  moveBack(): void {
    const ring = this.#ring;
    if (ring === undefined) return;
    this.#local = this.#resume(ring.suspend());
    this.#ring = undefined;
  }

  /** Drops the stream; its digest is no longer needed. */
  abandon(): void {
    this.#ring?.abandon();
    this.#onEnd();
  }
}
