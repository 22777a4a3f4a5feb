// Jest runs tests in a separate realm, where `instanceof Error` is false for errors that Node throws. The AWS SDK uses
// `instanceof Error`, and would neither retry a cut request nor keep the error code. This module makes the check true.
import { isNativeError } from 'node:util/types';

const isInstance = (type: unknown, value: unknown) =>
  Function.prototype[Symbol.hasInstance].call(type as () => void, value);

Object.defineProperty(Error, Symbol.hasInstance, {
  value(this: unknown, value: unknown) {
    return isInstance(this, value) || (this === Error && isNativeError(value));
  },
});
