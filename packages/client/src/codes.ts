/**
 * The protocol's numbers that the SDK decides by. They are repeated here, and checked against the protocol by their
 * types, so that its tables of texts stay out of the browser's bundle.
 */
import type { disconnects, errorCodes, limits } from '@carillon/protocol';

type Errors = typeof errorCodes;
type Disconnects = typeof disconnects;

export const internalCode: Errors['internal']['code'] = 100;
export const unauthorizedCode: Errors['unauthorized']['code'] = 101;
export const alreadySubscribedCode: Errors['alreadySubscribed']['code'] = 105;
export const notAvailableCode: Errors['notAvailable']['code'] = 108;
export const tokenExpiredCode: Errors['tokenExpired']['code'] = 109;
export const tooManyRequestsCode: Errors['tooManyRequests']['code'] = 111;
export const unrecoverablePositionCode: Errors['unrecoverablePosition']['code'] = 112;

export const expiredClose: Disconnects['expired']['code'] = 3005;
export const invalidTokenClose: Disconnects['invalidToken']['code'] = 3500;

/** Bytes of one frame that a server takes by default. */
export const frameBytes: (typeof limits)['frameBytes'] = 65_536;

/** The SDK's own: the function that fetches a token failed. */
export const tokenFailedCode = 2007;
