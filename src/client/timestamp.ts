/** A time: a `Date`, or seconds since 1970 with an optional fraction as a string (`1700000000.000000001`). */
export type Timestamp = Date | string;

/** Returns a time as the API's queries have it: seconds since 1970. */
export function unixSeconds(time: Timestamp | undefined): string | undefined {
  return time instanceof Date ? (time.getTime() / 1000).toFixed(3) : time;
}
