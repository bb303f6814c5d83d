/** Loaded into a program with `--import`: its wall clock jumps by hours, ahead on SIGUSR1 and back on SIGUSR2. */
const RealDate = Date;
const HOUR_MS = 3_600_000;
let offsetMs = 0;

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(RealDate.now() + offsetMs);
    else super(...parts);
  }
  static now() {
    return RealDate.now() + offsetMs;
  }
};

process.on("SIGUSR1", () => {
  offsetMs += 5 * HOUR_MS;
});
process.on("SIGUSR2", () => {
  offsetMs -= 9 * HOUR_MS;
});
