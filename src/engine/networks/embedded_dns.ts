/**
 * @module
 * Keeps whoever answers for names (see `src/network/dns/`) told of who is in which network. Names are no reason for a start
 * to fail: what goes wrong is logged, and the next change tries again.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { NameReply, NameRequest } from "../../network/dns/control.ts";
import type { NameTable } from "../../network/dns/name_table.ts";

/** A way to whoever answers. */
export interface DnsChannel {
  /** @throws {TsdError} runtime_failed, timeout */
  request(request: NameRequest): Promise<NameReply>;
  /** Resolves when nobody is there any more. */
  readonly closed: Promise<void>;
  close(): void;
}

export interface EmbeddedDnsDeps {
  readonly log: Log;
  /** Undefined where nobody is there and nobody is to be started. @throws {TsdError} */
  readonly open: (start: boolean) => Promise<DnsChannel | undefined>;
  /** What there is when it is asked. */
  readonly present: () => NameTable;
}

/** See the module's comment. */
export class EmbeddedDns {
  readonly #deps: EmbeddedDnsDeps;
  readonly #log: Log;
  #channel: DnsChannel | undefined;
  /** What was told last over the channel. */
  #reported = "";
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #hasShutDown = false;

  constructor(deps: EmbeddedDnsDeps) {
    this.#deps = deps;
    this.#log = deps.log.scope("names");
  }

  /** Resolves when what there is now, or later, is answered from. */
  update(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const next = this.#current.then(() => {
      this.#next = undefined;
      return this.#tell().catch((thrown) => {
        this.#log.warn("names of containers are not those of now", { error: toTsdError(thrown).message });
      });
    });
    this.#next = next;
    this.#current = next;
    return next;
  }

  /** The engine ends: whoever answers goes on, unless nobody has a name. */
  async leave(): Promise<void> {
    this.#hasShutDown = true;
    await this.#current;
    if (isEmpty(this.#deps.present())) await this.#end();
    this.#close();
  }

  /** @throws {TsdError} of the channel */
  async #tell(): Promise<void> {
    const table = this.#deps.present();
    const text = JSON.stringify(table);
    if (text === this.#reported) return;
    const channel = await this.#open(!isEmpty(table));
    if (channel === undefined) return void (this.#reported = text);
    const { troubles } = await channel.request({ table });
    for (const trouble of troubles) this.#log.warn("nobody answers for names", { where: trouble });
    // What can't be listened on now may be free at the next change.
    const reported = troubles.length === 0 ? text : "";
    // Without names there is nothing to watch over.
    if (isEmpty(table)) this.#close();
    this.#reported = reported;
  }

  async #open(start: boolean): Promise<DnsChannel | undefined> {
    if (this.#channel !== undefined) return this.#channel;
    const channel = await this.#deps.open(start);
    this.#channel = channel;
    void channel?.closed.then(() => {
      if (this.#channel !== channel) return;
      this.#close();
      if (this.#hasShutDown) return;
      this.#log.warn("whoever answered for names has gone; another one takes over");
      void this.update();
    });
    return channel;
  }

  async #end(): Promise<void> {
    try {
      const channel = await this.#open(false);
      await channel?.request({ end: true });
    } catch (thrown) {
      this.#log.warn("whoever answers for names stays", { error: toTsdError(thrown).message });
    }
  }

  #close(): void {
    this.#channel?.close();
    this.#channel = undefined;
    this.#reported = "";
  }
}

const isEmpty = ({ containers }: NameTable): boolean => containers.length === 0;
