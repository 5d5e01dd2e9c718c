import type { Engine } from "../engine/mod.ts";

/** A function for each part of a noun, called when the part is first read from the engine. */
export type Factories<Parts> = { readonly [Part in keyof Parts]: (engine: Engine) => Parts[Part] };
