#pragma once
// The directory that holds all state of one server: locked while the server runs, private (0700), with room kept for a
// clean stop on a full disk.

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <utility>

#include "messages/result.hpp"

namespace penstock::storage {

/// How much room the file system of the state directory has left, and so what the server still does.
enum class room : std::uint8_t {
  ample,   ///< everything
  scarce,  ///< nothing new is taken on
  none     ///< what ends, frees or shows things; the ballast has gone to the journal
};
[[nodiscard]] std::string_view name_of(room left);

/// With less, nothing new is taken on: the databases need some of it to tidy up after themselves.
inline constexpr std::uint64_t room_to_admit_bytes = std::uint64_t{64} << 20;
/// With less, only what ends, frees or shows things is done.
inline constexpr std::uint64_t room_to_change_bytes = std::uint64_t{16} << 20;
/// With less, even without the ballast, nobody can be served.
inline constexpr std::uint64_t room_to_start_bytes = std::uint64_t{8} << 20;

/// What follows from `free_bytes` after `before`: a state is left for a better one only with some room to spare, and
/// `none` only when the ballast fits again.
[[nodiscard]] room judge_room(std::uint64_t free_bytes, room before, std::uint64_t ballast_bytes);

struct state_directory_options {
  std::filesystem::path root;
  std::size_t shards = 2;
  std::uint64_t free_bytes_needed =
      room_to_admit_bytes;  ///< less than this free at the start of a new state is refused
  /// Enough for the core database to open after it was ended by a full disk: its log of at most 32 MiB becomes a table.
  std::uint64_t ballast_bytes = std::uint64_t{32} << 20;
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

  /// As it was found at the start: `none` for a state that exists on a disk that is full.
  [[nodiscard]] room room_at_start() const { return room_; }
  /// Gives the ballast's room to whoever must still write in order to end things.
  void release_ballast() const;
  [[nodiscard]] messages::result<void> restore_ballast() const;
  [[nodiscard]] std::uint64_t ballast_bytes() const { return options_.ballast_bytes; }

  /// Which directories these are, whatever their names come to mean. Taken once the core database is open.
  struct identity {
    std::array<std::pair<std::uint64_t, std::uint64_t>, 3> device_and_inode{};
    bool operator==(const identity&) const = default;
  };
  [[nodiscard]] messages::result<identity> who_it_is() const;
  /// errc::corrupt in words when what runs is no longer what lies under this name.
  [[nodiscard]] messages::result<void> is_still(const identity& known) const;

  [[nodiscard]] messages::result<std::uint64_t> free_bytes() const;
  /// errc::no_space met by whoever works in this directory, with how much is free and needed and what to do; any other
  /// failure as it is.
  [[nodiscard]] messages::failure with_room(messages::failure problem) const;

 private:
  [[nodiscard]] static messages::result<state_directory> open_rooms(const state_directory_options& options);
  [[nodiscard]] messages::result<void> start_on_full_disk();
  state_directory(state_directory_options options, int lock_fd) : options_(std::move(options)), lock_fd_(lock_fd) {}
  state_directory_options options_;
  int lock_fd_ = -1;
  room room_ = room::ample;
};

}  // namespace penstock::storage
