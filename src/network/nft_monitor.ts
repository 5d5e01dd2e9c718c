/**
 * @module
 * Hears what others change in nf_tables. It costs nothing while nobody changes anything.
 */
import { EPOLL, type Epoll, type FileCalls, NETLINK, type NetlinkCalls, OwnedFd } from "../sys/mod.ts";
import { messagesIn } from "./netlink_message.ts";
import { NFTABLES_GROUP, ruleNotice } from "./nft_messages.ts";

export interface NftMonitorDeps {
  readonly calls: NetlinkCalls & Pick<FileCalls, "close">;
  readonly epoll: Pick<Epoll, "add" | "remove">;
  /** Whose changes are of no interest. */
  readonly ownPort: number;
  /** Told once for each transaction, with the tables of whatever family that it changed; without them where some were missed. */
  readonly onChange: (tables: ReadonlySet<string> | undefined) => void;
}

/** What is read in one turn. */
const MOST_READS = 64;

/** Listens until it is disposed of. @throws {SysError} where the kernel has no nf_tables */
export function monitorRules({ calls, epoll, ownPort, onChange }: NftMonitorDeps): Disposable {
  const socket = new OwnedFd(calls.netlinkSocket(NETLINK.NETLINK_NETFILTER, NFTABLES_GROUP), calls);
  let tables = new Set<string>();
  const hear = (bytes: Uint8Array) => {
    for (const message of messagesIn(bytes)) {
      if (message.portId === ownPort) continue;
      const notice = ruleNotice(message);
      if (notice === undefined) continue;
      if (notice !== "end") {
        tables.add(notice.table);
        continue;
      }
      const changed = tables;
      tables = new Set();
      onChange(changed);
    }
  };
  const read = () => {
    for (let count = 0; count < MOST_READS; count++) {
      const bytes = calls.receiveNetlink(socket.fd);
      if (bytes === "again") return;
      if (bytes === "lost") onChange(undefined);
      else hear(bytes);
    }
  };
  epoll.add(socket.fd, EPOLL.IN, read);
  return {
    [Symbol.dispose]: () => {
      epoll.remove(socket.fd);
      socket.close();
    },
  };
}
