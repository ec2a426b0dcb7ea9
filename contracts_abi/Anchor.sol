// SPDX-License-Identifier: AGPL-3.0-only
pragma solidity 0.8.37;

/// @title Anchor: says when a publisher first showed a digest
/// @notice No owner, no proxy, no way to change or remove what was said. Nobody can squat on another's digests:
/// they are kept under whoever sends them. A digest covers a signed log entry and all entries before it.
contract Anchor {
    /// @notice Block time (seconds) at which `publisher` anchored `digest`; 0 if never.
    mapping(address publisher => mapping(bytes32 digest => uint256 time)) public anchoredAt;

    event Anchored(address indexed publisher, bytes32 indexed digest, uint256 time);

    error AlreadyAnchored(uint256 time);

    /// @notice Anchor a digest under the sender; a second time reverts, so that anchoring is idempotent.
    function anchor(bytes32 digest) external {
        uint256 time = anchoredAt[msg.sender][digest];
        if (time != 0) revert AlreadyAnchored(time);
        anchoredAt[msg.sender][digest] = block.timestamp;
        emit Anchored(msg.sender, digest, block.timestamp);
    }
}
