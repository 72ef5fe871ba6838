// Verifies a consent receipt with the keys that the provider publishes, and prints what it says. What to do comes as JSON
// on the standard input.

import { text } from 'node:stream/consumers'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { receipt, keys, issuer } = JSON.parse(await text(process.stdin))
const { payload } = await jwtVerify(receipt, createRemoteJWKSet(new URL(keys)), { issuer })
console.log(JSON.stringify(payload))
