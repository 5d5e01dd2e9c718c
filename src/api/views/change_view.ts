import type { Change, ChangeKind } from "../../store/driver.ts";
import { bytesOf } from "../../tar/mod.ts";
import type { FilesystemChange } from "../../api_types/mod.ts";

const KINDS: Readonly<Record<ChangeKind, FilesystemChange["Kind"]>> = { modified: 0, added: 1, deleted: 2 };
const DECODER = new TextDecoder();

/** Converts a change. Names that aren't UTF-8 get U+FFFD in JSON, as in Go. */
export const changeView = ({ path, kind }: Change): FilesystemChange => ({
  Path: DECODER.decode(bytesOf(path)),
  Kind: KINDS[kind],
});
