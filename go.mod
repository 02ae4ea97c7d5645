module github.com/settle-pc/settle

go 1.26
