// Imports an export as a client would: every header, seal and transaction root checked by
// EthereumJS's blockchain, every transaction executed and every state root, receipts root, bloom
// and gas compared by its VM. Nothing of this project's own is used.
//
//   node import.mjs DIR      prints {"genesis_hash", "blocks", "transactions", "gas_used", "head_hash",
//                            "head_state_root", "signers"}; exit code 1 and what was refused otherwise

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { cliqueSigner, createBlockFromBytesArray } from '@ethereumjs/block'
import { CliqueConsensus, createBlockchain } from '@ethereumjs/blockchain'
import { createCommonFromGethGenesis } from '@ethereumjs/common'
import { RLP } from '@ethereumjs/rlp'
import { bytesToHex } from '@ethereumjs/util'
import { createVM, runBlock } from '@ethereumjs/vm'

const folder = process.argv[2]
const genesis = JSON.parse(readFileSync(join(folder, 'genesis.json'), 'utf8'))
const common = createCommonFromGethGenesis(genesis, { chain: 'export', hardfork: 'london' })
const clique = new CliqueConsensus()
const blockchain = await createBlockchain({
  common,
  validateBlocks: true,
  validateConsensus: true,
  consensusDict: { clique },
})
const vm = await createVM({ common, blockchain, evmOpts: { cliqueSigner } })

let rest = readFileSync(join(folder, 'chain.rlp'))
let stateRoot = blockchain.genesisBlock.header.stateRoot
let head = blockchain.genesisBlock
let transactions = 0
let gasUsed = 0n
while (rest.length > 0) {
  const number = head.header.number + 1n
  try {
    const { data, remainder } = RLP.decode(rest, true)
    const block = createBlockFromBytesArray(data, { common })
    await blockchain.putBlock(block)
    const done = await runBlock(vm, { block, root: stateRoot, skipHeaderValidation: true })
    ;({ stateRoot } = done)
    rest = remainder
    head = block
    transactions += block.transactions.length
    gasUsed += done.gasUsed
  } catch (error) {
    console.error(`block ${number}: ${error.message}`)
    process.exit(1)
  }
}
console.log(
  JSON.stringify({
    genesis_hash: bytesToHex(blockchain.genesisBlock.hash()),
    blocks: Number(head.header.number),
    transactions,
    gas_used: Number(gasUsed),
    head_hash: bytesToHex(head.hash()),
    head_state_root: bytesToHex(head.header.stateRoot),
    signers: clique.cliqueActiveSigners(head.header.number + 1n).map(String),
  }),
)
