/**
 * @module
 * Small changes of nf_tables without any program: the kernel is asked directly, which takes a fraction of a millisecond
 * where nft(8) takes five, and twenty for a whole table.
 */
import { isErrno, NETLINK, type NetlinkCalls, OwnedFd, SysError } from "../sys/mod.ts";
import type { FileCalls } from "../sys/mod.ts";
import { flowRemoval, type FlowTarget } from "./conntrack.ts";
import { errorOf, messagesIn, type NetlinkMessage } from "./netlink_message.ts";
import {
  type ChainName,
  chainQuestion,
  elementBatch,
  type ElementChange,
  isDroppingChain,
  rulesQuestion,
  tableQuestion,
  tableRemoval,
} from "./nft_messages.ts";

/** See the module's comment. One request at a time. The socket is opened with the first one. */
export class NftConnection implements Disposable {
  readonly #calls: NetlinkCalls & Pick<FileCalls, "close">;
  #socket: OwnedFd | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(calls: NetlinkCalls & Pick<FileCalls, "close">) {
    this.#calls = calls;
  }

  /** By which listeners know whose change it is. @throws {SysError} */
  get portId(): number {
    return this.#calls.netlinkPort(this.#fd);
  }

  /** All of it, or nothing. @throws {SysError} ENOENT, EEXIST: the kernel has something else than what was thought */
  async changeElements(change: ElementChange): Promise<void> {
    if (change.removed.length + change.added.length > 0) await this.#done(elementBatch(change), "change rules");
  }

  async hasTable(name: string): Promise<boolean> {
    try {
      await this.#done(tableQuestion(name), "look for a table");
      return true;
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT")) return false;
      throw thrown;
    }
  }

  /** Also where there is none. */
  async removeTable(name: string): Promise<void> {
    if (await this.hasTable(name)) await this.#done(tableRemoval(name), "remove a table");
  }

  /** Forgets what a rule has led somewhere, of which there may be none. @throws {SysError} */
  async forgetFlows(targets: readonly FlowTarget[]): Promise<void> {
    for (const target of targets) await this.#done(flowRemoval(target), "forget flows");
  }

  /** Whether a chain of others is there, and what it does by default. */
  async policyOf(chain: ChainName): Promise<"drop" | "accept" | undefined> {
    try {
      const answers = await this.#done(chainQuestion(chain), "look for a chain");
      return answers.some(isDroppingChain) ? "drop" : "accept";
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT")) return undefined;
      throw thrown;
    }
  }

  /** Whether some rule of a chain, which has to be there, has a text in it: a comment. */
  async hasRuleWith(chain: ChainName, text: string): Promise<boolean> {
    const answers = await this.#done(rulesQuestion(chain), "read rules");
    const latin = new TextDecoder("latin1");
    return answers.some(({ body }) => latin.decode(body).includes(text));
  }

  [Symbol.dispose](): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  get #fd(): number {
    this.#socket ??= new OwnedFd(this.#calls.netlinkSocket(NETLINK.NETLINK_NETFILTER, 0), this.#calls);
    return this.#socket.fd;
  }

  /** @throws {SysError} the first error that the kernel answers with */
  async #done(requests: Uint8Array<ArrayBuffer>, attempt: string): Promise<NetlinkMessage[]> {
    const turn = this.#last.then(() => this.#ask(requests));
    this.#last = turn.catch(() => undefined);
    const answers = await turn;
    const errors = answers.map(errorOf).filter((errno) => errno !== undefined);
    const failure = errors.find((errno) => errno > 0);
    if (failure !== undefined) throw new SysError("nf_tables", failure, { subject: attempt });
    if (errors.length === 0) {
      throw new SysError("nf_tables", 0, { subject: attempt, note: "the kernel didn't answer" });
    }
    return answers;
  }

  async #ask(requests: Uint8Array<ArrayBuffer>): Promise<NetlinkMessage[]> {
    const fd = this.#fd;
    await this.#calls.sendNetlink(fd, requests);
    const answers: NetlinkMessage[] = [];
    for (;;) {
      const bytes = this.#calls.receiveNetlink(fd);
      // A long answer comes in parts, of which the kernel makes the next one when there is room for it.
      if (bytes === "again") return answers;
      if (bytes !== "lost") answers.push(...messagesIn(bytes));
    }
  }
}
