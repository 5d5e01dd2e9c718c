/**
 * @module
 * The hashers of one layer, which another thread can take over in the middle of their streams and give back: where
 * inflating, writing and hashing would be one thread's work while another one has none.
 */
import type { HashState } from "./multi_buffer.ts";
import type { Hasher } from "./mod.ts";
import type { HashRing } from "./ring.ts";

type Suspendable = Hasher & Required<Pick<Hasher, "suspend">>;

/** See the module's comment. Dispose of it: another thread may wait for more. */
export class TransferableHashers implements Disposable {
  readonly #create: () => Promise<Hasher>;
  readonly #open = new Set<Movable>();
  readonly #free: HashRing[] = [];

  /** @param create those of an engine that can't hand its streams over stay where they are */
  constructor(create: () => Promise<Hasher>) {
    this.#create = create;
  }

  /** A new, independent hasher. */
  readonly createHasher = async (): Promise<Hasher> => {
    const here = await this.#create();
    if (!isSuspendable(here)) return here;
    const { wasmSha256 } = await import("./wasm.ts");
    const movable = new Movable(here, wasmSha256, () => this.#open.delete(movable));
    this.#open.add(movable);
    const ring = this.#free.shift();
    if (ring !== undefined) movable.move(ring);
    return movable;
  };

  /** Lets another thread hash, as many streams as there are rings. The oldest ones first. */
  assign(rings: readonly HashRing[]): void {
    this.#free.push(...rings);
    for (const hasher of this.#open) {
      if (!hasher.isDisconnected && this.#free.length > 0) hasher.move(this.#free.shift()!);
    }
  }

  /** Hashes here again. @throws {TsdError} internal: the other thread is lost */
  takeBack(): void {
    for (const ring of this.#free.splice(0)) ring.leave();
    for (const hasher of this.#open) hasher.comeHome();
  }

  [Symbol.dispose](): void {
    for (const ring of this.#free.splice(0)) ring.leave();
    for (const hasher of this.#open) hasher.abandon();
  }
}

const isSuspendable = (hasher: Hasher): hasher is Suspendable => hasher.suspend !== undefined;

class Movable implements Hasher {
  #here: Suspendable | undefined;
  #ring: HashRing | undefined;
  readonly #resume: (state: HashState) => Suspendable;
  readonly #ended: () => void;

  constructor(here: Suspendable, resume: (state: HashState) => Suspendable, ended: () => void) {
    this.#here = here;
    this.#resume = resume;
    this.#ended = ended;
  }

  get isDisconnected(): boolean {
    return this.#ring !== undefined;
  }

  update(bytes: Uint8Array): void {
    (this.#ring ?? this.#here!).update(bytes);
  }

  digestHex(): string {
    this.comeHome();
    this.#ended();
    return this.#here!.digestHex();
  }

  move(ring: HashRing): void {
    ring.begin(this.#here!.suspend());
    this.#here = undefined;
    this.#ring = ring;
  }

  comeHome(): void {
    const ring = this.#ring;
    if (ring === undefined) return;
    this.#here = this.#resume(ring.suspend());
    this.#ring = undefined;
  }

  /** Nobody asks for its digest any more. */
  abandon(): void {
    this.#ring?.leave();
    this.#ended();
  }
}
