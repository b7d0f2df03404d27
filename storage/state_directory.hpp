#pragma once
// The directory that holds all state of one server: locked while the server runs, private (0700), with room kept for a
// clean stop on a full disk.

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "messages/result.hpp"

namespace penstock::storage {

struct state_directory_options {
  std::filesystem::path root;
  std::size_t shards = 2;
  std::uint64_t free_bytes_needed = std::uint64_t{64} << 20;  ///< less than this free at the start is refused
  std::uint64_t ballast_bytes = std::uint64_t{16} << 20;
};

class state_directory {
 public:
  /// Makes what is missing and takes the lock. errc::held_by_another (the text names the directory and the other
  /// process's id), errc::no_space (the text says where, how much is free and needed, and what to do),
  /// errc::bad_configuration (it holds more shards), errc::io_error.
  [[nodiscard]] static messages::result<state_directory> open(const state_directory_options& options);
  ~state_directory();
  state_directory(state_directory&& other) noexcept;
  state_directory& operator=(state_directory&& other) noexcept;
  state_directory(const state_directory&) = delete;
  state_directory& operator=(const state_directory&) = delete;

  [[nodiscard]] const std::filesystem::path& root() const { return options_.root; }
  [[nodiscard]] std::filesystem::path core() const { return root() / "core"; }
  /// Outside core(), see fence.hpp.
  [[nodiscard]] std::filesystem::path fence() const { return root() / "journal.fence"; }
  [[nodiscard]] std::filesystem::path keys() const { return root() / "keys"; }
  [[nodiscard]] std::filesystem::path shard(std::size_t number) const;
  [[nodiscard]] std::filesystem::path shard_catalogue(std::size_t number) const { return shard(number) / "catalogue"; }
  [[nodiscard]] std::filesystem::path shard_packs(std::size_t number) const { return shard(number) / "packs"; }

  /// Gives the ballast's room to whoever must still write in order to stop; it is made again at the next open.
  void release_ballast();
  [[nodiscard]] messages::result<std::uint64_t> free_bytes() const;
  /// errc::no_space met by whoever works in this directory, with how much is free and needed and what to do; any other
  /// failure as it is.
  [[nodiscard]] messages::failure with_room(messages::failure problem) const;

 private:
  [[nodiscard]] static messages::result<state_directory> open_rooms(const state_directory_options& options);
  state_directory(state_directory_options options, int lock_fd) : options_(std::move(options)), lock_fd_(lock_fd) {}
  state_directory_options options_;
  int lock_fd_ = -1;
};

}  // namespace penstock::storage
