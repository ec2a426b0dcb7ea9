// SPDX-License-Identifier: AGPL-3.0-only
pragma solidity 0.8.37;

/// A wallet that is a contract (ERC-1271): its owner's signature, with anything behind it, is its own.
contract ContractWallet {
    address private immutable owner;

    constructor(address signer) {
        owner = signer;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        require(signature.length >= 65, "too short");
        bytes32 r = bytes32(signature[0:32]);
        bytes32 s = bytes32(signature[32:64]);
        if (ecrecover(digest, uint8(signature[64]), r, s) == owner) return 0x1626ba7e;
        return 0xffffffff;
    }
}

/// Whatever it is asked, it burns what it is given.
contract EndlessWallet {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        while (true) {}
        return 0x1626ba7e;
    }
}

/// It says yes in a form that the standard does not have.
contract LooseWallet {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes32) {
        return bytes32(type(uint256).max >> 8 | uint256(0x16) << 248);
    }
}
