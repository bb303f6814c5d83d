/** Closes in reverse what was opened; Node 20 has no AsyncDisposableStack. */
export interface CloseStack extends AsyncDisposable {
  use<Thing extends AsyncDisposable>(thing: Thing): Thing;
  defer(close: () => Promise<void>): void;
}

export function closeStack(): CloseStack {
  const closers: (() => PromiseLike<void>)[] = [];
  return {
    use(thing) {
      closers.push(() => thing[Symbol.asyncDispose]());
      return thing;
    },
    defer: (close) => void closers.push(close),
    async [Symbol.asyncDispose]() {
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
}
