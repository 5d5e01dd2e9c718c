import type { Container } from "../model/container.ts";
import type { ContainerTable } from "../model/container_table.ts";

/** Whether a container refers to a volume. */
export const refersTo = ({ record }: Pick<Container, "record">, name: string): boolean =>
  (record.mounts ?? []).some(({ volume }) => volume?.name === name);

/** Looks for the containers that refer to a volume, running or not. */
export const volumeUsers = (table: Pick<ContainerTable, "list">) => (name: string): Container[] =>
  table.list().filter((container) => refersTo(container, name));
