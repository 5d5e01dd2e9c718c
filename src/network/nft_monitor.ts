/**
 * @module
 * Notifies of changes that other programs make in nf_tables. Costs nothing while nothing changes.
 */
import { EPOLL, type Epoll, type FileCalls, NETLINK, type NetlinkCalls, OwnedFd } from "../sys/mod.ts";
import { messagesIn } from "./netlink_message.ts";
import { NFTABLES_GROUP, ruleNotice } from "./nft_messages.ts";

export interface NftMonitorDeps {
  readonly calls: NetlinkCalls & Pick<FileCalls, "close">;
  readonly epoll: Pick<Epoll, "add" | "remove">;
  /** Port id of the socket whose changes are ignored. */
  readonly ownPort: number;
  /**
   * Called once for each transaction with the names of the changed tables of any family; with undefined if
   * notifications were lost.
   */
  readonly onChange: (tables: ReadonlySet<string> | undefined) => void;
}

/** Messages read in one event loop turn. */
const MAX_READS = 64;

/**
 * Monitors changes until disposed.
 * @throws {SysError} if the kernel has no nf_tables
 */
export function monitorRules({ calls, epoll, ownPort, onChange }: NftMonitorDeps): Disposable {
  const socket = new OwnedFd(calls.netlinkSocket(NETLINK.NETLINK_NETFILTER, NFTABLES_GROUP), calls);
  let tables = new Set<string>();
  const handle = (bytes: Uint8Array) => {
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
    for (let count = 0; count < MAX_READS; count++) {
      const bytes = calls.receiveNetlink(socket.fd);
      if (bytes === "again") return;
      if (bytes === "lost") onChange(undefined);
      else handle(bytes);
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
