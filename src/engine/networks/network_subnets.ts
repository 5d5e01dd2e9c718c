/**
 * @module
 * Address ranges of a network when its bridge is made: those that a user named, or that running containers use, must be
 * free on the machine; others are chosen, and chosen anew when something else has them by now. Pure.
 */
import { TsdError } from "../../errors.ts";
import { formatAddress, formatSubnet, parseSubnet, type Subnet } from "../../network/address.ts";
import {
  choosePool,
  chooseUniqueLocal,
  conflictWith,
  freeAddress,
  type PoolChoice,
  type ReservedSubnet,
} from "../../network/pools.ts";
import type { AddressPool, Network, NetworkRecord } from "../model/network.ts";

/** What a network's ranges depend on. */
export interface SubnetSituation {
  /** In use on the machine, without the network's own bridge. */
  readonly reserved: readonly ReservedSubnet[];
  /** Of the engine's other networks, whether they have a bridge or not. */
  readonly recorded: readonly ReservedSubnet[];
  /** Name of the interface that is to be made. */
  readonly bridge: string;
  /** It is being created, so the user can name another subnet. */
  readonly isNew: boolean;
  /** A running container has an address in it. */
  readonly isUsed: boolean;
  /** How often another bridge has got the same range at the same time: engines must not choose in the same order again. */
  readonly collisions: number;
}

/**
 * The network's record with the ranges that it gets; the same object where it keeps what it has.
 * @throws {TsdError} permission_denied (new), conflict: something has a range that can't be changed; invalid_argument:
 * there is no free range
 */
export function settleSubnets(
  { id, record }: Pick<Network, "id" | "record">,
  situation: SubnetSituation,
): NetworkRecord {
  const { collisions } = situation;
  const startAt = collisions === 0 ? 0 : parseInt(id.slice(0, 8), 16) + collisions;
  const four = settlePool(record, situation, (choice) => choosePool(choice, startAt));
  const six = record.six && settlePool(record.six, situation, (choice) => chooseUniqueLocal(id, choice));
  if (four === record && six === record.six) return record;
  return { ...record, ...four, ...six && { six } };
}

function settlePool(
  pool: AddressPool,
  situation: SubnetSituation,
  choose: (choice: PoolChoice) => Subnet,
): AddressPool {
  const { reserved, recorded, isNew, isUsed } = situation;
  const current = pool.subnet === undefined ? undefined : parseSubnet(pool.subnet);
  // A network's name says more than that of its bridge.
  const all = [...recorded, ...reserved];
  if (current === undefined || !(pool.hasOwnSubnet || isUsed)) {
    const chosen = formatSubnet(choose({ reserved: all, current }));
    return chosen === pool.subnet ? pool : poolOf(parseSubnet(chosen));
  }
  const conflict = conflictWith(current, isNew ? all : reserved);
  if (conflict === undefined) return pool;
  throw isNew ? refusedPool(conflict) : refusedBridge(current, conflict, situation, pool.hasOwnSubnet ?? false);
}

const poolOf = (subnet: Subnet): AddressPool => ({
  subnet: formatSubnet(subnet),
  gateway: formatAddress(freeAddress(subnet, { taken: new Set() })),
});

const inUse = ({ subnet, holder }: ReservedSubnet): string => `${formatSubnet(subnet)} is in use by ${holder}`;

/** Docker's words, and what it doesn't say. */
const refusedPool = (conflict: ReservedSubnet) =>
  new TsdError(
    "permission_denied",
    "invalid pool request: Pool overlaps with other one on this address space: " +
      `${inUse(conflict)}; give another --subnet, or remove that one`,
  );

function refusedBridge(
  subnet: Subnet,
  conflict: ReservedSubnet,
  { bridge }: SubnetSituation,
  isNamed: boolean,
): TsdError {
  const remedy = isNamed
    ? "make the network anew with another --subnet"
    : "stop the network's containers: then it gets another range";
  const attempt = `Cannot make the bridge ${bridge} with ${formatSubnet(subnet)}`;
  return new TsdError("conflict", `${attempt}: ${inUse(conflict)}; remove that one, or ${remedy}`);
}
