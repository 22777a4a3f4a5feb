// Jest runs tests in a separate realm, where Node’s own errors are no `instanceof Error`. The AWS SDK checks that,
// and would neither retry a cut request nor keep the error code.
import { isNativeError } from 'node:util/types';

const isInstance = (type: unknown, value: unknown) =>
  Function.prototype[Symbol.hasInstance].call(type as () => void, value);

Object.defineProperty(Error, Symbol.hasInstance, {
  value(this: unknown, value: unknown) {
    return isInstance(this, value) || (this === Error && isNativeError(value));
  },
});
