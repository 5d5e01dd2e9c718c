/** Filters of `GET /networks`: all labels, and any value of each other key. */
import type { Network } from "../../engine/model/network.ts";
import { isPredefined } from "../../engine/networks/network_table.ts";
import { TsdError } from "../../errors.ts";
import type { Filters } from "../http/query.ts";
import { hasLabel } from "./container_filters.ts";
import { truthOf } from "./image_filters.ts";

export const NETWORK_FILTER_KEYS = ["dangling", "driver", "id", "label", "name", "scope", "type"];

/**
 * Returns a predicate for networks.
 * @param isUsed whether a container is connected to the network
 * @throws {TsdError} invalid_argument
 */
export function networkFilter(filters: Filters, isUsed: (network: Network) => boolean): (network: Network) => boolean {
  const dangling = truthOf(filters, "dangling");
  const values = (key: string) => filters.get(key) ?? [];
  for (const type of values("type")) {
    if (type !== "builtin" && type !== "custom") {
      throw new TsdError("invalid_argument", `invalid filter: 'type'='${type}'`);
    }
  }
  const any = (key: string, fits: (value: string) => boolean) => values(key).length === 0 || values(key).some(fits);
  return (network) => {
    const { id, name, record } = network;
    const isCustom = !isPredefined(network);
    if (dangling !== undefined && (!isCustom || isUsed(network) === dangling)) return false;
    return values("label").every((label) => hasLabel(record.labels ?? {}, label)) &&
      any("driver", (driver) => record.driver === driver) &&
      any("id", (requested) => id.includes(requested)) &&
      any("name", (requested) => name.includes(requested)) &&
      any("scope", (scope) => scope === "local") &&
      any("type", (type) => (type === "custom") === isCustom);
  };
}
